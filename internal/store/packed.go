package store

import (
	"encoding/binary"
	"math"
	"math/bits"

	"monarch/internal/im"
)

// A packed roster is everything of an im.Roster but the account: a format, the properties, the
// groups and the contacts, each list behind its length. Numbers are varints, text is as long as
// the number before it says. A contact is the distance of his id from the one before, his
// lists with a bit for AllowsUser, handle and name; then on the forward list the groups as a
// set, and if he shows them the properties.

// packedFormat changes whenever the form does: records of other releases are not read.
const packedFormat = 2

// allowsUser stands in a contact's lists for AllowsUser.
const allowsUser im.List = 1 << 4

func packRoster(r im.Roster) []byte {
	b := make([]byte, 0, 64+64*len(r.Contacts))
	b = append(b, packedFormat)
	b = packProperties(b, r.Properties)
	b = binary.AppendUvarint(b, uint64(len(r.Groups)))
	for _, g := range r.Groups {
		b = binary.AppendUvarint(b, uint64(g.Number))
		b = packText(b, g.Name)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Contacts)))
	var before im.UserID
	for _, c := range r.Contacts {
		b = binary.AppendUvarint(b, uint64(c.ID-before))
		before = c.ID
		b = packContact(b, c)
	}
	return b
}

// packContact appends all but the id.
func packContact(b []byte, c im.Contact) []byte {
	lists := c.Lists
	if c.AllowsUser {
		lists |= allowsUser
	}
	b = append(b, byte(lists))
	b = packText(b, c.Handle)
	b = packText(b, c.Stored)
	if lists&im.Forward == 0 {
		return b
	}
	var groups groupSet
	for _, n := range c.Groups {
		groups |= groupBit(n)
	}
	b = binary.AppendUvarint(b, uint64(groups))
	if showsProperties(c.Lists) {
		b = packProperties(b, c.Properties)
	}
	return b
}

func packProperties(b []byte, all []im.Property) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, p := range all {
		b = append(b, byte(propertyIndex(p.Type)))
		b = packText(b, p.Value)
	}
	return b
}

func packText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// unpacker reads a packed roster. What is not in order sets bad, and from then on there is
// nothing but zeros to read.
type unpacker struct {
	body string
	at   int // what is before has been read
	bad  bool

	// All lists of one kind share an array, and all texts the memory of the whole.
	numbers    []int
	properties []im.Property
}

// unpackRoster returns the roster without its account, and whether packed is in order. Whatever
// it is, the result takes no more than some fixed multiple of its length.
func unpackRoster(packed string) (im.Roster, bool) {
	u := unpacker{body: packed}
	if u.byte() != packedFormat {
		return im.Roster{}, false
	}
	var r im.Roster
	r.Properties = u.propertyList()
	r.Groups = elements[im.Group](u.length(2))
	for i := range r.Groups {
		r.Groups[i] = im.Group{Number: int(u.number(im.MaxGroups - 1)), Name: u.text()}
	}
	r.Contacts = elements[im.Contact](u.length(4))
	u.numbers = make([]int, 0, len(r.Contacts))
	var before im.UserID
	for i := range r.Contacts {
		distance := u.number(math.MaxInt32)
		u.check(distance > 0)
		before += im.UserID(distance)
		r.Contacts[i].ID = before
		u.contact(&r.Contacts[i])
	}
	u.check(u.at == len(u.body) && before <= math.MaxInt32)
	return r, !u.bad
}

func (u *unpacker) contact(c *im.Contact) {
	lists := im.List(u.byte())
	c.Lists, c.AllowsUser = lists&^allowsUser, lists&allowsUser != 0
	c.Handle, c.Stored = u.text(), u.text()
	u.check(c.Lists != 0 && c.Lists < allowsUser && c.Handle != "" && c.Stored != "")
	if lists&im.Forward == 0 {
		return
	}
	groups := groupSet(u.number(1<<im.MaxGroups - 1))
	u.check(groups != 0)
	c.Groups = u.members(groups)
	if showsProperties(c.Lists) {
		c.Properties = u.propertyList()
	}
}

// elements makes a list that is nil when it is empty, as lists from a database are.
func elements[T any](n int) []T {
	if n == 0 {
		return nil
	}
	return make([]T, n)
}

// members is groupSet.numbers, in the common array.
func (u *unpacker) members(s groupSet) []int {
	from := len(u.numbers)
	for ; s != 0; s &= s - 1 {
		u.numbers = append(u.numbers, bits.TrailingZeros32(uint32(s)))
	}
	return u.numbers[from:len(u.numbers):len(u.numbers)]
}

func (u *unpacker) propertyList() []im.Property {
	n := u.length(2)
	if n == 0 {
		return nil
	}
	from := len(u.properties)
	for range n {
		at := int(u.byte())
		value := u.text()
		if u.check(at < len(properties) && value != ""); u.bad {
			return nil
		}
		u.properties = append(u.properties, im.Property{Type: properties[at].typ, Value: value})
	}
	return u.properties[from:len(u.properties):len(u.properties)]
}

func (u *unpacker) check(ok bool) {
	if !ok {
		u.bad, u.at = true, len(u.body)
	}
}

func (u *unpacker) byte() byte {
	if u.at >= len(u.body) {
		u.check(false)
		return 0
	}
	b := u.body[u.at]
	u.at++
	return b
}

// number reads a number that may be most.
func (u *unpacker) number(most uint64) uint64 {
	b := u.byte()
	n := uint64(b & 0x7F)
	for shift := 7; b >= 0x80 && shift < 35; shift += 7 {
		b = u.byte()
		n |= uint64(b&0x7F) << shift
	}
	if b >= 0x80 || n > most {
		u.check(false)
	}
	if u.bad {
		return 0
	}
	return n
}

// length reads how many elements follow, each of so many bytes at least.
func (u *unpacker) length(size int) int {
	n := int(u.number(math.MaxInt32))
	if n > (len(u.body)-u.at)/size {
		u.check(false)
		return 0
	}
	return n
}

func (u *unpacker) text() string {
	n := u.length(1)
	text := u.body[u.at : u.at+n]
	u.at += n
	return text
}
