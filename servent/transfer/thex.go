package transfer

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"

	"gnucensus/servent/internal/cursor"
	"gnucensus/servent/urn"
)

// A tree is sent as two records of DIME, the first an XML document that describes it, the second its nodes from the root
// downwards. A record is, in big-endian numbers:
//
//	0   1   version 1 << 3, and flags: 4 first record, 2 last record, 1 the record goes on in the next
//	1   1   kind of the type << 4: 1 media type, 2 URI
//	2   2   length of the options
//	4   2   length of the id
//	6   2   length of the type
//	8   4   length of the data
//	12  …   options, id, type and data, each filled up with NULs to a multiple of 4
const (
	dimeHead = 12

	dimeVersion = 1 << 3
	dimeFirst   = 4
	dimeLast    = 2
	dimeChunk   = 1
	dimeMedia   = 1 << 4
	dimeURI     = 2 << 4

	typeXML  = "text/xml"
	typeTree = "http://open-content.net/spec/thex/breadthfirst"
	digest   = "http://open-content.net/spec/digest/tiger"
	leafSize = 1024
)

// maxTree is the longest tree that is read, in bytes. LimeWire's largest has 16,383 nodes.
const maxTree = 512 << 10

var errTHEX = errors.New("malformed THEX")

// description is the XML document.
const description = `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" +
	`<!DOCTYPE hashtree SYSTEM "http://open-content.net/spec/thex/thex.dtd">` + "\r\n" +
	"<hashtree>\r\n" +
	`<file size="%d" segmentsize="%d"/>` + "\r\n" +
	`<digest algorithm="` + digest + `" outputsize="24"/>` + "\r\n" +
	`<serializedtree depth="%d" type="` + typeTree + `" uri="%s"/>` + "\r\n" +
	"</hashtree>\r\n"

// appendTHEX writes a tree.
func appendTHEX(b []byte, t *urn.Tree) []byte {
	root := t.Root()
	le := binary.LittleEndian
	// As gtk-gnutella makes it of the root; any other name would do.
	id := fmt.Sprintf("uuid:%08x-%04x-%04x-%04x-%08x%04x", le.Uint32(root[:]), le.Uint16(root[4:]), le.Uint16(root[6:]),
		le.Uint16(root[8:]), le.Uint32(root[10:]), le.Uint16(root[14:]))
	b = appendDIME(b, dimeVersion|dimeFirst, dimeMedia, "", typeXML, fmt.Appendf(nil, description, t.Size, leafSize, t.Depth(), id))
	return appendDIME(b, dimeVersion|dimeLast, dimeURI, id, typeTree, appendNodes(nil, t))
}

// appendNodes writes the nodes of a tree, from the root downwards.
func appendNodes(b []byte, t *urn.Tree) []byte {
	for _, node := range t.Nodes() {
		b = append(b, node[:]...)
	}
	return b
}

func appendDIME(b []byte, flags, kind byte, id, name string, data []byte) []byte {
	b = append(b, flags, kind, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(id)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	for _, field := range [][]byte{[]byte(id), []byte(name), data} {
		b = append(b, field...)
		b = append(b, make([]byte, padding(len(field)))...)
	}
	return b
}

func padding(n int) int { return -n & 3 }

// parseTHEX reads a tree whose nodes agree with each other. What its root is, the caller must compare.
func parseTHEX(b []byte) (*urn.Tree, error) {
	var text, data []byte
	for c := cursor.New(b); ; {
		head := c.Bytes("head", dimeHead)
		if head == nil {
			return nil, fmt.Errorf("%w: %w", errTHEX, c.Fault())
		}
		flags, be := head[0], binary.BigEndian
		options, id, name := int(be.Uint16(head[2:])), int(be.Uint16(head[4:])), int(be.Uint16(head[6:]))
		size := int(min(be.Uint32(head[8:]), maxTree+1))
		c.Bytes("options", options+padding(options))
		c.Bytes("id", id+padding(id))
		typ := c.Bytes("type", name+padding(name))
		content := c.Bytes("data", size)
		c.Bytes("padding", min(padding(size), c.Len())) // some leave it out at the end
		switch {
		case c.Fault() != nil:
			return nil, fmt.Errorf("%w: %w", errTHEX, c.Fault())
		case flags&0xf8 != dimeVersion || flags&dimeChunk != 0:
			return nil, fmt.Errorf("%w: flags %#02x", errTHEX, flags)
		case bytes.EqualFold(typ[:name], []byte(typeXML)):
			text = content
		case string(typ[:name]) == typeTree:
			data = content
		}
		if flags&dimeLast != 0 {
			return makeTree(text, data)
		}
	}
}

// makeTree makes a tree of what the two records hold.
func makeTree(text, data []byte) (*urn.Tree, error) {
	var d struct {
		File struct {
			Size    uint64 `xml:"size,attr"`
			Segment uint64 `xml:"segmentsize,attr"`
		} `xml:"file"`
		Digest struct {
			Algorithm string `xml:"algorithm,attr"`
			Size      int    `xml:"outputsize,attr"`
		} `xml:"digest"`
	}
	if err := xml.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%w: read description: %w", errTHEX, err)
	}
	if d.File.Segment != leafSize || d.Digest.Algorithm != digest {
		return nil, fmt.Errorf("%w: another kind of tree", errTHEX)
	}
	return makeNodes(d.File.Size, data)
}

// makeNodes makes a tree of its nodes.
func makeNodes(size uint64, data []byte) (*urn.Tree, error) {
	if len(data)%len(urn.Tiger{}) != 0 {
		return nil, fmt.Errorf("%w: part of a node", errTHEX)
	}
	nodes := make([]urn.Tiger, len(data)/len(urn.Tiger{}))
	for i := range nodes {
		data = data[copy(nodes[i][:], data):]
	}
	t, err := urn.NewTree(size, nodes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errTHEX, err)
	}
	return t, nil
}
