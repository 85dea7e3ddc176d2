package webtest

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"monarch/msnclient"
)

// bee is how BitlBee 1.2.8 signs in on MSNP8 and waits for calls, as recorded.
// internal/server/testdata/captures/groupchat-libpurple-bitlbee.txt
const bee = `
strict C
C.ns> VER 1 MSNP8 CVR0
C.ns< VER 1 MSNP8 CVR0
C.ns> CVR 2 0x0409 mac 10.2.0 ppc macmsgs 3.5.1 macmsgs carol@example.com
C.ns< CVR 2 3.5.1 3.5.1 3.5.1 {_} {_}
C.ns> USR 3 TWN I carol@example.com
C.ns< USR 3 TWN S {params}
login C
C.ns> USR 4 TWN S {ticket}
C.ns< USR 4 OK carol@example.com Carol 1 0
C.ns< MSG Hotmail Hotmail {n} + {profile}
C.ns> SYN 5 0
C.ns< SYN 5 {v*} 2 1
C.ns< GTC A
C.ns< BLP AL
C.ns< LSG 0 Other%20Contacts 0
any {
  C.ns< LST alice@example.com Alice 11 0
  C.ns< LST bob@example.com Bob 11 0
}
C.ns> CHG 6 NLN
C.ns< CHG 6 NLN
any {
  C.ns< ILN 6 NLN alice@example.com Alice 268435488
  C.ns< ILN 6 NLN bob@example.com Bob {_}
}`

// beeCalled is how it enters a conversation, beeSays what it writes there.
const (
	beeCalled = `
C.ns< RNG {sidC} {addrC} CKI {ckiC} alice@example.com Alice
C.sb> ANS 1 carol@example.com {ckiC} {sidC}
any {
  C.sb< IRO 1 {_} 2 alice@example.com Alice
  C.sb< IRO 1 {_} 2 bob@example.com Bob
}
C.sb< ANS 1 OK`
	beeSays = `C.sb> MSG 2 N 161 + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nUser-Agent: BitlBee 1.2.8\r\n` +
		`X-MMS-IM-Format: FN=MS%20Shell%20Dlg; EF=; CO=0; CS=0; PF=0\r\n\r\nhi from bee"`
)

// beeHears waits until the bee is told something in the conversation, whatever comes before it.
func (w *world) beeHears(from, text string) {
	w.t.Helper()
	c := w.p.Conn("C.sb")
	for {
		line, payload, ok := c.Next()
		if !ok {
			w.t.Fatalf("the bee does not hear %q from %s", text, from)
		}
		if strings.HasPrefix(line, "MSG "+from+" ") && strings.HasSuffix(string(payload), "\r\n\r\n"+text) {
			return
		}
	}
}

func TestThreeKindsOfClientInOneConversation(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\nmutual alice carol\nmutual bob carol")
	bob := w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	w.p.Play(bee)
	alice.sees(carols, "online")

	alice.open(bobs)
	alice.say("the bee is here")
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "the bee is here" })
	alice.taps(".chat:not([hidden]) [data-do=invite]")
	alice.do("choose carol", chromedp.SetValue(chromedp.CSS("dialog select"), carols))
	alice.do("invite", chromedp.Click(chromedp.CSS("dialog .button.primary")))
	w.p.Play(beeCalled)
	alice.until("the group is open", `!document.querySelector("dialog") && document.querySelectorAll(".chat:not([hidden]) .side li").length === 2`)

	alice.say("hello from the browser")
	heard := await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "hello from the browser" })
	w.beeHears(alices, "hello from the browser")
	w.p.Play(beeSays)
	await(t, bob, func(e msnclient.TextReceived) bool { return e.From == carols && e.Text.Body == "hi from bee" })
	alice.reads("hi from bee")
	within(t, func(ctx context.Context) error { return heard.Chat.Send(ctx, msnclient.Text{Body: "hi from bob"}) })
	alice.reads("hi from bob")
	w.beeHears(bobs, "hi from bob")
	alice.picture("messenger-three-kinds")
}
