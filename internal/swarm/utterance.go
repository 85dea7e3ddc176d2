package swarm

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strconv"

	"monarch/msnp"
)

// Everything said in a conversation has a number in its header, and a checksum of what follows
// the header.
const numberField = "X-Swarm"

const (
	plainText = "text/plain; charset=UTF-8"
	p2pData   = "application/x-msnmsgrp2p"
)

// utter makes the payload of a message.
func utter(contentType string, n uint64, body []byte) []byte {
	h := msnp.Header{
		{Name: "MIME-Version", Value: "1.0"},
		{Name: "Content-Type", Value: contentType},
		{Name: numberField, Value: fmt.Sprintf("%d %08x", n, crc32.ChecksumIEEE(body))},
	}
	return append(h.Append(nil), body...)
}

// heard takes a payload apart, which must be as it was made.
func heard(payload []byte) (n uint64, contentType string, body []byte, err error) {
	h, body := msnp.ParseHeader(payload)
	number, sum, _ := bytes.Cut([]byte(h.Get(numberField)), []byte(" "))
	if n, err = strconv.ParseUint(string(number), 10, 64); err != nil {
		return 0, "", nil, errors.New("a message arrived without its number")
	}
	if string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(body)) {
		return 0, "", nil, fmt.Errorf("message %d arrived with another content than it was sent with", n)
	}
	contentType, _ = h.Type()
	return n, contentType, body, nil
}

// chatter returns something to say, of any length that fits.
func chatter() []byte {
	b := make([]byte, rand.IntN(1200))
	for i := range b {
		b[i] = byte(' ' + rand.IntN(95))
	}
	return b
}

// pictureBytes is how long pictures are: seven parts.
const pictureBytes = 7*msnp.P2PMaxData - 100

// picture is somebody's display picture, always the same.
func picture(i int) []byte {
	source := rand.New(rand.NewPCG(uint64(i), 0))
	b := make([]byte, pictureBytes)
	for k := range b {
		b[k] = byte(source.Uint32())
	}
	return b
}

// pictureParts cuts somebody's picture into P2P messages, of a session with a number.
func pictureParts(i int, session uint32) [][]byte {
	whole := picture(i)
	var parts [][]byte
	for at := 0; at < len(whole); at += msnp.P2PMaxData {
		parts = append(parts, msnp.P2P{
			Session: session, ID: session, AckID: session,
			Offset: uint64(at), Total: uint64(len(whole)), Flags: msnp.P2PObject,
			Data: whole[at:min(at+msnp.P2PMaxData, len(whole))], Footer: msnp.P2PFooterObject,
		}.Append(nil))
	}
	return parts
}

// album puts together the pictures that somebody gets. The zero value is empty.
type album struct {
	parts map[int]msnp.P2P // by who sends it; Data is all there is so far
}

// add takes a part of somebody's picture, and reports whether it was the last. Of a picture
// whose beginning he has not seen, he takes nothing.
func (a *album) add(sender int, body []byte) (whole bool, err error) {
	m, err := msnp.ParseP2P(body)
	if err != nil {
		return false, err
	}
	if a.parts == nil {
		a.parts = make(map[int]msnp.P2P)
	}
	so := a.parts[sender]
	switch {
	case m.Offset == 0:
		so = msnp.P2P{Session: m.Session}
	case so.Session != m.Session:
		return false, nil
	case m.Offset != uint64(len(so.Data)):
		return false, fmt.Errorf("a part of a picture is for %d, where %d is next", m.Offset, len(so.Data))
	}
	so.Data = append(so.Data, m.Data...)
	a.parts[sender] = so
	if !m.Last() {
		return false, nil
	}
	delete(a.parts, sender)
	if !bytes.Equal(so.Data, picture(sender)) {
		return false, fmt.Errorf("the picture of %s is not what he sent", handle(sender))
	}
	return true, nil
}

// number returns whose handle it is.
func number(handle string) (int, error) {
	var n int
	if _, err := fmt.Sscanf(handle, "user%05d@", &n); err != nil || n < 1 {
		return 0, fmt.Errorf("%q is nobody of ours", handle)
	}
	return n - 1, nil
}
