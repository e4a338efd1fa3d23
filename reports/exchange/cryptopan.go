package exchange

import (
	"crypto/aes"
	"crypto/cipher"
	"net/netip"
)

// A cryptoPAn replaces addresses so that two that share their first n bits still share exactly n bits afterwards, and so
// that without the key nothing else can be told of them (J. Xu, J. Fan, M. Ammar, S. Moon, "Prefix-preserving IP address
// anonymization", 2002). The bit at place i is turned over or not by a bit of AES of the i bits before it, filled up to a
// block from a pad. Addresses of 128 bits are treated alike.
type cryptoPAn struct {
	block cipher.Block
	pad   [aes.BlockSize]byte
}

// newCryptoPAn takes the key of the published program: 16 bytes of AES key, 16 bytes of which the encryption is the pad.
func newCryptoPAn(k Key) *cryptoPAn {
	p := &cryptoPAn{block: newAES(k[:16])}
	p.block.Encrypt(p.pad[:], k[16:])
	return p
}

// newAES makes a cipher from 16 bytes.
func newAES(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only a wrong length is an error
	}
	return block
}

// replace returns the address that stands for another one: IPv4 for IPv4, which includes the v4-mapped form, and IPv6 for
// IPv6. A zone is dropped.
func (p *cryptoPAn) replace(a netip.Addr) netip.Addr {
	if a.Is4In6() {
		return netip.AddrFrom16(p.replace(a.Unmap()).As16())
	}
	if a.Is4() {
		bits := a.As4()
		p.flip(bits[:])
		return netip.AddrFrom4(bits)
	}
	bits := a.As16()
	p.flip(bits[:])
	return netip.AddrFrom16(bits)
}

// flip turns over the bits that the key chooses.
func (p *cryptoPAn) flip(bits []byte) {
	input, output := p.pad, [aes.BlockSize]byte{}
	for i := range 8 * len(bits) {
		p.block.Encrypt(output[:], input[:])
		place, mask := i/8, byte(0x80)>>(i%8)
		input[place] = input[place]&^mask | bits[place]&mask // the bit as it was is part of the next input
		bits[place] ^= mask & -(output[0] >> 7)
	}
}
