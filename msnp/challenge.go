package msnp

import (
	"crypto/md5"
	"encoding/hex"
)

// Product is a client's identity in QRY with the key it answers challenges with.
type Product struct {
	ID  string
	Key string
}

// Products lists the client products of MSNP6 to MSNP10 whose keys are known.
// docs/protocol/presence.md#challenge
var Products = []Product{
	{"msmsgs@msnmsgr.com", "Q1P7W2E4J9R8U3S5"},
	{"PROD0038W!61ZTF9", "VT6PX?UQTM4WM%YR"},
	{"PROD0058#7IL2{QD", "QHDCY@7R1TB6W?5B"},
	{"PROD0061VRRZH@4F", "JXQ6J@TUOGYV@N0M"},
	{"PROD00504RLUG%WL", "I2EBK%PYNLZL5_J4"},
	{"PROD0076ENE8*@AW", "CEQJ8}OE0!WTSWII"},
}

// ProductByID finds a known product.
func ProductByID(id string) (Product, bool) {
	for _, p := range Products {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}

// Answer returns what the product answers to a challenge in QRY, as MSNP6 to MSNP10 have
// it: 32 lower-case hex digits, the MD5 of the challenge followed by the key.
func (p Product) Answer(challenge string) string {
	sum := md5.Sum([]byte(challenge + p.Key))
	return hex.EncodeToString(sum[:])
}
