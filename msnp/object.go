package msnp

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"strconv"
	"strings"
)

// ObjectType says what an MSNObject stands for.
type ObjectType int

// The object types of MSNP9.
const (
	ObjectEmoticon   ObjectType = 2
	ObjectPicture    ObjectType = 3
	ObjectFile       ObjectType = 4
	ObjectBackground ObjectType = 5
)

// Object is an MSNObject: the description of a picture or another thing that a client
// offers to others. Servers pass it on as it came and never rewrite it; this type is for
// clients. docs/protocol/payloads.md#msnobject
type Object struct {
	Creator  string // handle of the owner
	Size     int    // bytes
	Type     ObjectType
	Location string // the owner's name for it
	Friendly string // base64 of a UTF-16LE name; "AAA=" for none
	SHA1D    string // base64 of the SHA-1 of the data
	SHA1C    string // base64 of the SHA-1 of the fields above; "" in later clients
}

// NewObject describes data that creator offers under the given location.
func NewObject(creator string, t ObjectType, location string, data []byte) Object {
	sum := sha1.Sum(data)
	o := Object{
		Creator: creator, Size: len(data), Type: t, Location: location,
		Friendly: "AAA=", SHA1D: base64.StdEncoding.EncodeToString(sum[:]),
	}
	o.SHA1C = o.Checksum()
	return o
}

// Checksum computes what SHA1C should be.
func (o Object) Checksum() string {
	sum := sha1.Sum([]byte("Creator" + o.Creator + "Size" + strconv.Itoa(o.Size) + "Type" + strconv.Itoa(int(o.Type)) +
		"Location" + o.Location + "Friendly" + o.Friendly + "SHA1D" + o.SHA1D))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// String returns the element's text. As a parameter it goes through [Escape]. What XML cannot
// carry, such as NUL or a byte that is not UTF-8, becomes U+FFFD.
func (o Object) String() string {
	s := `<msnobj Creator="` + attr(o.Creator) + `" Size="` + strconv.Itoa(o.Size) + `" Type="` + strconv.Itoa(int(o.Type)) +
		`" Location="` + attr(o.Location) + `" Friendly="` + attr(o.Friendly) + `" SHA1D="` + attr(o.SHA1D) + `"`
	if o.SHA1C != "" {
		s += ` SHA1C="` + attr(o.SHA1C) + `"`
	}
	return s + `/>`
}

// ParseObject reads the text of an MSNObject; a parameter is unescaped first. Attributes it
// does not know are ignored, and the checksum is not verified: later clients add the one
// and leave out the other.
func ParseObject(text string) (Object, error) {
	var x struct {
		XMLName  xml.Name `xml:"msnobj"`
		Creator  string   `xml:"Creator,attr"`
		Size     int      `xml:"Size,attr"`
		Type     int      `xml:"Type,attr"`
		Location string   `xml:"Location,attr"`
		Friendly string   `xml:"Friendly,attr"`
		SHA1D    string   `xml:"SHA1D,attr"`
		SHA1C    string   `xml:"SHA1C,attr"`
	}
	x.Size = -1
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return Object{}, errors.New("not an MSNObject: " + err.Error())
	}
	if x.Creator == "" || x.SHA1D == "" || x.Size < 0 {
		return Object{}, errors.New("not an MSNObject: Creator, Size and SHA1D are needed")
	}
	return Object{
		Creator: x.Creator, Size: x.Size, Type: ObjectType(x.Type), Location: x.Location,
		Friendly: x.Friendly, SHA1D: x.SHA1D, SHA1C: x.SHA1C,
	}, nil
}

// attr escapes an attribute value.
func attr(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
