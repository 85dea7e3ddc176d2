package msnp_test

import (
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/msntest"
	"monarch/msnp"
)

const (
	branch = "{6F3C2A10-55D4-4E1B-9C07-1A2B3C4D5E6F}"
	callID = "{0D9B7C31-8E42-4F6A-B5D0-7788990011AA}"
)

// texts are the MSNSLP messages of the worked transfer, by the names of their fixtures.
func texts() map[string]msnp.SLP {
	object := msnp.Unescape(msntest.Object) + "\x00"
	return map[string]msnp.SLP{
		"P-DP1": {
			Method: msnp.SLPInvite, To: "alice@example.com", From: "bob@example.com", Branch: branch, CallID: callID,
			Type: msnp.SLPSession, Body: []msnp.SLPField{
				{Name: "EUF-GUID", Value: msnp.ObjectGUID},
				{Name: "SessionID", Value: "1172536"},
				{Name: "AppID", Value: "1"},
				{Name: "Context", Value: base64.StdEncoding.EncodeToString([]byte(object))},
			},
		},
		"P-DP3": {
			Status: msnp.SLPOK, Reason: "OK", To: "bob@example.com", From: "alice@example.com", Branch: branch, CallID: callID,
			CSeq: 1, Type: msnp.SLPSession, Body: []msnp.SLPField{{Name: "SessionID", Value: "1172536"}},
		},
		"P-DP10": {
			Method: msnp.SLPBye, To: "alice@example.com", From: "bob@example.com", Branch: "{A1B2C3D4-0102-4304-8506-0708090A0B0C}",
			CallID: callID, Type: msnp.SLPSessionClose,
		},
	}
}

func TestSLPOfTheWorkedTransfer(t *testing.T) {
	for name, want := range texts() {
		m, err := msnp.ParseP2P(body(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(want.Append(nil)); got != string(m.Data) {
			t.Errorf("%s written:\n%q\nwant\n%q", name, got, m.Data)
		}
		got, err := msnp.ParseSLP(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestSLPIsReadLiberally(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       msnp.SLP
		ok         bool
	}{
		{"nothing", "", msnp.SLP{}, false},
		{"data preparation", "\x00\x00\x00\x00", msnp.SLP{}, false},
		{"HTTP", "GET / HTTP/1.0\r\n\r\n", msnp.SLP{}, false},
		{"an answer without status", "MSNSLP/1.0 OK\r\n\r\n", msnp.SLP{}, false},
		{"an answer alone", "MSNSLP/1.0 603 Decline\r\n\r\n\x00", msnp.SLP{Status: 603, Reason: "Decline"}, true},
		{"a request alone", "BYE MSNMSGR:a@b MSNSLP/1.0\r\n", msnp.SLP{Method: "BYE"}, true},
		{
			"bare line feeds, other case, no blanks", "INVITE MSNMSGR:a@b MSNSLP/1.0\nCALL-ID:{1}\nvia:x;branch={2};y\ncseq:5\n" +
				"to:a@b\nFrom:<MSNMSGR:c@d>\ncontent-TYPE:t\n\nsessionid:9\nno field\n:\n",
			msnp.SLP{
				Method: "INVITE", To: "a@b", From: "c@d", CallID: "{1}", Branch: "{2}", CSeq: 5, Type: "t",
				Body: []msnp.SLPField{{Name: "sessionid", Value: "9"}},
			},
			true,
		},
		{
			"Content-Length ends the body", "BYE MSNMSGR:a@b MSNSLP/1.0\r\nContent-Length: 6\r\n\r\nA: 1\r\nB: 2\r\n",
			msnp.SLP{Method: "BYE", Body: []msnp.SLPField{{Name: "A", Value: "1"}}},
			true,
		},
		{
			"numbers that are none", "BYE MSNMSGR:a@b MSNSLP/1.0\r\nCSeq: -1\r\nContent-Length: 99999999999\r\n\r\nA: 1\r\n",
			msnp.SLP{Method: "BYE", Body: []msnp.SLPField{{Name: "A", Value: "1"}}},
			true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := msnp.ParseSLP([]byte(c.text))
			if (err == nil) != c.ok {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if got.Value("SESSIONID") != c.want.Value("sessionid") {
				t.Error("the name of a field depends on case")
			}
		})
	}
}

func FuzzSLP(f *testing.F) {
	for _, m := range texts() {
		f.Add(m.Append(nil))
	}
	f.Add([]byte("MSNSLP/1.0 603 Decline\nTo:<msnmsgr:x>\n\nA:1\n:\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := msnp.ParseSLP(text)
		if err != nil {
			return
		}
		again, err := msnp.ParseSLP(m.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if m.Reason == "" {
			m.Reason = again.Reason // the usual one
		}
		if d := cmp.Diff(m, again); d != "" {
			t.Errorf("(-first +again):\n%s", d)
		}
	})
}
