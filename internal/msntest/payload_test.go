package msntest

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

func TestPayloadsAreThoseOfTheProtocolNotes(t *testing.T) {
	want := map[string]struct {
		size int
		sha1 string
	}{
		"P-HELLO":  {122, "977177244797ccbc2f2cc34475e1c4db02e4199e"},
		"P-UTF8":   {137, "778e69b97798a760c8736110995df27ccf0e88fb"},
		"P-TYPE-A": {90, "4c508da495bd5bcd29299a7fee8a296e767748fd"},
		"P-TYPE-B": {88, "4a96bf6ced0fa1c3b07b430e6c365341101d9c80"},
		"P-PING":   {50, "9c067a34a18b105cc94e8560959f934d168afc8f"},
		"P-CAPS":   {100, "4c436ad8026fcda1bda29efc9055b1ebf84bed96"},
		"P-OCTET":  {73, "1fbd62d5da929a6a3dcf1723fce9d50742a93473"},
		"P-TEXTD":  {73, "6a8679c33873efe1ed78de0fab21cc40a7b9c3b7"},
		"P-NOCT":   {28, "3dfe7c11ef88f82a219972caa734d8ec25901c0f"},
		"P-INV1":   {275, "ac8d09ada62b426757e9742705b7251d8fb774a1"},
		"P-INV2":   {181, "dc7adb40c4685fe6dfaf600474fe713510958649"},
		"P-INV3":   {236, "b6a5f9a93648c152bde8f061afbfe49f98aab9ab"},
		"P-INVX":   {148, "aa1b1da062bf10c050e809b5a8d8a7ed6114132e"},
		"P-NUDGE":  {69, "c59e77a2c5c838fd3cfa61a48cc984366f4330ae"},
		"P-SYS5":   {88, "f98d129587b5c4ab647d29ed25fb6d136defe6fc"},
		"P-RAW":    {256, ""},
		"P-P2P47":  {135, ""},
		"P-P2P48":  {136, ""},
		"P-1664":   {1664, ""},
		"P-1665":   {1665, ""},
		"P-DP1":    {794, "afff6e1d914ad4c44213523678c33b05311648bb"},
		"P-DP2":    {140, "9c70917d976f82caf5c3019bc741dfa21414160d"},
		"P-DP3":    {466, "f4671d421e3ed7f85c3d984af7ff8cff5d786a2c"},
		"P-DP4":    {142, "f5022ba0f8c00d60f97ca3238ce5a179999ac276"},
		"P-DP5":    {144, "b2bbe982dd562850bebb886f1c84e2b97da39c48"},
		"P-DP6":    {142, "47141ff5e9d0593db4ed7f74432f41799e96a96e"},
		"P-DP7":    {1342, "4bcbdf6851436aa3ac308bf42fb03ae5eaeac717"},
		"P-DP8":    {438, "ea18465afaf3a12f4e0d686716aea0b4c212b67d"},
		"P-DP9":    {142, "93dc03d97e0ffcfec68a1859cd948a222379ad75"},
		"P-DP10":   {472, "25edea0a4e66574b9b37a01b7fd57e4635f060d1"},
		"P-DP11":   {140, "276575a48c4019218ea7083e51936575b104b241"},
	}
	for name, w := range want {
		b, ok := Payload(name)
		sum := sha1.Sum(b)
		switch {
		case !ok:
			t.Errorf("%s is missing", name)
		case len(b) != w.size:
			t.Errorf("%s has %d bytes, want %d", name, len(b), w.size)
		case w.sha1 != "" && hex.EncodeToString(sum[:]) != w.sha1:
			t.Errorf("%s has SHA-1 %x, want %s", name, sum, w.sha1)
		}
	}
	if len(payloads()) != len(want) {
		t.Errorf("%d payloads, want %d", len(payloads()), len(want))
	}
}

// The data parts of the transfer, put together, are the picture the object describes.
func TestPictureHasTheHashOfItsObject(t *testing.T) {
	var picture []byte
	for _, name := range []string{"P-DP7", "P-DP8"} {
		message, _ := Payload(name)
		_, body, _ := strings.Cut(string(message), "\r\n\r\n")
		picture = append(picture, body[48:len(body)-4]...)
	}
	for i, b := range picture {
		if b != byte(31*i+7) {
			t.Fatalf("byte %d of the picture is %d, want %d", i, b, byte(31*i+7))
		}
	}
	sum := sha1.Sum(picture)
	object, err := url.PathUnescape(Object)
	if err != nil {
		t.Fatal(err)
	}
	if want := `SHA1D="` + base64.StdEncoding.EncodeToString(sum[:]) + `"`; !strings.Contains(object, want) {
		t.Errorf("the object has no %s: %s", want, object)
	}
}
