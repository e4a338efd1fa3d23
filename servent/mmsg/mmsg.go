// Package mmsg receives and sends datagrams many at a time: one call of recvmmsg(2) or sendmmsg(2) instead of one call for
// each. It is for sockets of UDP over IPv4 on Linux; elsewhere the package is empty.
//
// A [Receiver] tells of each datagram who sent it and, on a socket with [unix.IP_PKTINFO], to which of this machine's
// addresses. A [Sender] sends from such an address. Both use their memory again and again, and allocate nothing.
package mmsg
