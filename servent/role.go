package servent

import (
	"errors"
	"time"

	"gnucensus/servent/handshake"
)

// Role returns the part that the node plays now: Ultrapeer or Leaf. A node whose configuration leaves it open ([Auto]) begins
// as an ultrapeer, if it can be connected to. It becomes a leaf when an ultrapeer that it dials needs no other one ("leaf
// guidance"), and an ultrapeer again when it has lost its last one.
func (n *Node) Role() Role {
	if n.leaf.Load() {
		return Leaf
	}
	return Ultrapeer
}

// errRole: the node has come to play another part than it told the host at the other end.
var errRole = errors.New("role changed")

// follow decides what to do about the guidance in an answer: whether the node is the leaf of who answered.
func (n *Node) follow(answer handshake.Fields, told Role) (as Role, err error) {
	if needed, known := answer.Bool("X-Ultrapeer-Needed"); n.cfg.Role == Auto && known && !needed && n.demote(answer) {
		return Leaf, nil
	}
	if told != n.Role() {
		return told, errRole
	}
	return told, nil
}

// demote makes the node a leaf, unless leaves rely on it, or it has run for longer than who asks for it.
func (n *Node) demote(answer handshake.Fields) bool {
	since, err := time.Parse(time.RFC1123Z, answer.Get("X-Live-Since"))
	if err == nil && since.After(n.started) || n.seats.used(Leaf) > 0 {
		return false
	}
	n.becomeLeaf()
	return true
}

// becomeLeaf makes the node a leaf, if it is none. All links that it had as an ultrapeer end.
func (n *Node) becomeLeaf() {
	if n.leaf.Swap(true) {
		return
	}
	n.log.Info("becomes a leaf")
	for _, p := range n.seats.linked() {
		if p.as != Leaf {
			p.part(errRole)
		}
	}
}

// promote makes an auto node an ultrapeer again when it has no ultrapeer left.
func (n *Node) promote() {
	if n.cfg.Role == Auto && !n.walled() && len(n.seats.neighbours(Ultrapeer)) == 0 && n.leaf.Swap(false) {
		n.log.Info("becomes an ultrapeer")
	}
}
