package ggep

// What a query may say beside its words. Values are free of NUL on the way, as all of a query.

// NP makes the block of a query that no ultrapeer may ask out of band in its own name.
func NP() Block { return Block{ID: "NP"} }

// NP tells whether a query must not be asked out of band in another name.
func (x Blocks) NP() bool { return x.Has("NP") }

// Z makes the block of a query by UDP whose answers may be deflated.
func Z() Block { return Block{ID: "Z"} }

// Z tells whether the answers to a query by UDP may be deflated.
func (x Blocks) Z() bool { return x.Has("Z") }

// PR makes the block of a query that wants files of which only parts are there, too.
func PR() Block { return Block{ID: "PR"} }

// PR tells whether a query wants files of which only parts are there, too.
func (x Blocks) PR() bool { return x.Has("PR") }

// WhatsNew is the one feature that is asked for by WH: what was shared last.
const WhatsNew = 1

// WH makes the block of a query for a feature instead of words.
func WH(feature uint8) Block { return Block{ID: "WH", Data: []byte{feature}} }

// WH returns the feature that a query asks for.
func (x Blocks) WH() (feature uint8, ok bool) {
	b, ok := x.Get("WH")
	if !ok || len(b.Data) == 0 {
		return 0, false
	}
	return b.Data[0], true
}

// XQ makes the block with words that have no room in the text of a query; LimeWire keeps that to 30 characters.
func XQ(words string) Block { return Block{ID: "XQ", Data: []byte(words)} }

// XQ returns the words that had no room in the text of a query.
func (x Blocks) XQ() (words string, ok bool) {
	b, ok := x.Get("XQ")
	return string(b.Data), ok
}

// NM makes the block of LimeWire for hashes of files without their metadata.
func NM() Block { return Block{ID: "NM"} }

// NM tells whether hashes are those of files without their metadata.
func (x Blocks) NM() bool { return x.Has("NM") }

// I6 makes the block of a query whose sender takes hits of IPv6 hosts too, or of them alone.
func I6(alone bool) Block {
	if alone {
		return Block{ID: "I6", Data: []byte{1}}
	}
	return Block{ID: "I6"}
}

// I6 tells whether a query wants hits of IPv6 hosts, and whether it wants no others.
func (x Blocks) I6() (alone, ok bool) {
	b, ok := x.Get("I6")
	return len(b.Data) > 0 && b.Data[0] == 1, ok
}

// MCAST tells whether a query, or a hit, was sent to all hosts of a local network. Only LimeWire writes the key.
func (x Blocks) MCAST() bool { return x.Has("MCAST") }
