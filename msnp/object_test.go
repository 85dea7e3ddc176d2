package msnp_test

import (
	"strings"
	"testing"

	"monarch/msnp"
)

// picture is the display picture of the worked transfer in the protocol notes. It is no real
// image, which nothing on the way cares about.
func picture() []byte {
	b := make([]byte, 1500)
	for i := range b {
		b[i] = byte(31*i + 7)
	}
	return b
}

const (
	pictureText = `<msnobj Creator="alice@example.com" Size="1500" Type="3" Location="TFR20.dat" Friendly="AAA="` +
		` SHA1D="udVfpdQxl/kBS0ZZ5Hk3W40sBUw=" SHA1C="Fp+clwQ2A8OoK0X/o2Lw3MNwYk4="/>`
	// As the official client sends it. Others escape the plus signs too.
	pictureToken = "%3Cmsnobj%20Creator%3D%22alice%40example.com%22%20Size%3D%221500%22%20Type%3D%223%22%20" +
		"Location%3D%22TFR20.dat%22%20Friendly%3D%22AAA%3D%22%20SHA1D%3D%22udVfpdQxl%2FkBS0ZZ5Hk3W40sBUw%3D%22%20" +
		"SHA1C%3D%22Fp+clwQ2A8OoK0X%2Fo2Lw3MNwYk4%3D%22%2F%3E"
)

var alicesPicture = msnp.Object{
	Creator: "alice@example.com", Size: 1500, Type: msnp.ObjectPicture, Location: "TFR20.dat", Friendly: "AAA=",
	SHA1D: "udVfpdQxl/kBS0ZZ5Hk3W40sBUw=", SHA1C: "Fp+clwQ2A8OoK0X/o2Lw3MNwYk4=",
}

func TestAnObjectDescribesItsData(t *testing.T) {
	o := msnp.NewObject("alice@example.com", msnp.ObjectPicture, "TFR20.dat", picture())
	if o != alicesPicture {
		t.Errorf("%+v,\nwant %+v", o, alicesPicture)
	}
	if got := o.String(); got != pictureText {
		t.Errorf("%s,\nwant %s", got, pictureText)
	}
}

// Two objects of real clients, one of the protocol notes.
func TestPublishedObjectsVerify(t *testing.T) {
	for _, c := range []struct{ name, token, creator, checksum string }{
		{"the protocol notes", pictureToken, "alice@example.com", "Fp+clwQ2A8OoK0X/o2Lw3MNwYk4="},
		{"the wiki's MSNP9 page", wikiToken, "anotherdude@hotmail.com", "PApbbjkbDSGrt3ybGHRKNaZ8s/w="},
		{"a recording of libpurple", recordedObject(t), "bob@hotmail.com", "o23bacx8MLsEdzZMdvDwLPz1vT0="},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := msnp.ParseObject(msnp.Unescape(c.token))
			if err != nil {
				t.Fatal(err)
			}
			if o.Creator != c.creator || o.Type != msnp.ObjectPicture || o.Friendly != "AAA=" {
				t.Errorf("read as %+v", o)
			}
			if o.SHA1C != c.checksum || o.Checksum() != c.checksum {
				t.Errorf("the checksum is %s and should be %s; want %s", o.SHA1C, o.Checksum(), c.checksum)
			}
			if got := o.String(); got != msnp.Unescape(c.token) {
				t.Errorf("written as %s,\nwas %s", got, msnp.Unescape(c.token))
			}
		})
	}
}

// recordedObject returns the object in the CHG of a recorded connection.
func recordedObject(t *testing.T) string {
	t.Helper()
	stream := streams(t, "notification")["libpurple-3.bin"]
	for _, f := range feedStream(t, msnp.NotificationGrammar, stream, len(stream)).frames {
		if m, err := msnp.ParseCHG(f); f.Verb == msnp.CHG && err == nil && m.Object != "" {
			return m.Object
		}
	}
	t.Fatal("the recording has no object")
	return ""
}

func TestParseObject(t *testing.T) {
	bare := msnp.Object{Creator: "a@b.c", Size: 5, Type: 3, Location: "l", Friendly: "f", SHA1D: "d"}
	for _, c := range []struct {
		name, text string
		want       msnp.Object
	}{
		{"the protocol notes", pictureText, alicesPicture},
		{"with the NUL of an invitation", pictureText + "\x00", alicesPicture},
		{"later clients leave the checksum out", `<msnobj Creator="a@b.c" Size="5" Type="3" Location="l" Friendly="f" SHA1D="d"/>`, bare},
		{"and add attributes", `<msnobj Creator="a@b.c" Type="3" SHA1D="d" Size="5" Location="l" Friendly="f" contenttype="D" stamp="x"/>`, bare},
		{"an element with an end of its own", `<msnobj Creator="a@b.c" Size="5" Type="3" Location="l" Friendly="f" SHA1D="d"></msnobj>`, bare},
		{"other quotes and line ends", "<msnobj\r\nCreator='a@b.c'\nSize='5' Type='3' Location='l' Friendly='f' SHA1D='d' />", bare},
		{
			"characters that are escaped", `<msnobj Creator="a@b.c" Size="0" SHA1D="d" Location="&lt;&quot;&amp;&#x41;&#10;&gt;"/>`,
			msnp.Object{Creator: "a@b.c", SHA1D: "d", Location: "<\"&A\n>"},
		},
		{"a checksum that is wrong", `<msnobj Creator="a@b.c" Size="0" SHA1D="d" SHA1C="c"/>`, msnp.Object{Creator: "a@b.c", SHA1D: "d", SHA1C: "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := msnp.ParseObject(c.text)
			if err != nil || got != c.want {
				t.Errorf("%+v, %v;\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestParseObjectRefusesOtherThings(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"nothing", ""},
		{"text", "alice.png"},
		{"a parameter that was not unescaped", pictureToken},
		{"what some servers send for no picture", "<msnobj/>"},
		{"another element", `<object Creator="a@b.c" Size="5" SHA1D="d"/>`},
		{"half an element", pictureText[:len(pictureText)-2]},
		{"no creator", `<msnobj Size="5" SHA1D="d"/>`},
		{"no size", `<msnobj Creator="a@b.c" SHA1D="d"/>`},
		{"no hash of the data", `<msnobj Creator="a@b.c" Size="5"/>`},
		{"a negative size", `<msnobj Creator="a@b.c" Size="-5" SHA1D="d"/>`},
		{"a size that is no number", `<msnobj Creator="a@b.c" Size="five" SHA1D="d"/>`},
		{"a size of more than 64 bits", `<msnobj Creator="a@b.c" Size="99999999999999999999" SHA1D="d"/>`},
		{"a type that is no number", `<msnobj Creator="a@b.c" Size="5" Type="x" SHA1D="d"/>`},
		{"an entity nobody declared", `<msnobj Creator="&a;" Size="5" SHA1D="d"/>`},
		{"a NUL inside", "<msnobj Creator=\"a\x00\" Size=\"5\" SHA1D=\"d\"/>"},
		{"bytes that are not UTF-8", "<msnobj Creator=\"a\xff\" Size=\"5\" SHA1D=\"d\"/>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := msnp.ParseObject(c.text)
			if err == nil || !strings.HasPrefix(err.Error(), "not an MSNObject: ") || o != (msnp.Object{}) {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}

func TestObjectsAreWrittenSoThatTheyCanBeRead(t *testing.T) {
	for _, c := range []struct{ name, location, want string }{
		{"letters", "TFR20.dat", "TFR20.dat"},
		{"what means something in XML", `<a href="x">&'`, `<a href="x">&'`},
		{"what an attribute would lose", "a\tb\nc\rd", "a\tb\nc\rd"},
		{"letters beyond ASCII", "Grüße 你好 😀", "Grüße 你好 😀"},
		{"what XML cannot carry", "a\x00b\x1bc", "a\uFFFDb\uFFFDc"},
		{"bytes that are not UTF-8", "a\xff\xc3", "a\uFFFD\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := msnp.NewObject("alice@example.com", msnp.ObjectEmoticon, c.location, nil)
			got, err := msnp.ParseObject(o.String())
			if err != nil {
				t.Fatal(err)
			}
			o.Location = c.want
			if got != o {
				t.Errorf("%+v, want %+v", got, o)
			}
		})
	}
}
