package server_test

import (
	"testing"
	"time"

	"monarch/internal/msntest"
)

// Seconds since 1970 have no room in 31 bits from 2038 on, and in 32 bits from 2106 on.
func TestTheServiceOutlivesTheCalendar(t *testing.T) {
	t.Parallel()
	for name, date := range map[string]time.Time{
		"2038": time.Date(2038, time.January, 19, 3, 13, 50, 0, time.UTC),
		"2106": time.Date(2106, time.February, 7, 6, 28, 0, 0, time.UTC),
		"2199": time.Date(2199, time.December, 31, 23, 59, 50, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := msntest.Start(t, nil)
			f.Clock.Advance(date.Sub(f.Clock.Now()))
			p := msntest.NewPlayer(t, f)
			defer p.Finish()
			p.Play(`
				mutual alice bob
				signin9 A
				signin9 B
				chat A B
				forget ckiA
				forget ckiB
				forget sid
				A.ns> XFR 50 SB
				A.ns< XFR 50 SB {addrSB} CKI {ckiA}
				login C
				wait 30s
				settle
				A.sb> MSG 3 A 122 + P-HELLO
				B.sb< MSG alice@example.com Alice 122 + P-HELLO
				A.sb< ACK 3
				A.sb2> USR 1 alice@example.com {ckiA}
				A.sb2< USR 1 OK alice@example.com Alice
				A.sb2> CAL 2 bob@example.com
				A.sb2< CAL 2 RINGING {sid}
				B.ns< RNG {sid} {addrSB} CKI {ckiB} alice@example.com Alice
				B.sb2> ANS 1 bob@example.com {ckiB} {sid}
				B.sb2< IRO 1 1 1 alice@example.com Alice
				B.sb2< ANS 1 OK
				A.sb2< JOI bob@example.com Bob
				C.ns> VER 1 MSNP9 CVR0
				C.ns< VER 1 MSNP9 CVR0
				C.ns> USR 3 TWN I carol@example.com
				C.ns< USR 3 TWN S {*}
				C.ns> USR 4 TWN S {ticket}
				C.ns< USR 4 OK carol@example.com Carol 1 0
				C.ns< MSG Hotmail Hotmail {n} + {profile}
				login D
				operator password dave another
				login D password "another"
			`)
			sessions, err := f.Server.Admin().Sessions(t.Context())
			if err != nil || len(sessions.Items) != 3 {
				t.Fatalf("%d sessions, %v", len(sessions.Items), err)
			}
			for _, s := range sessions.Items {
				if late := s.Since.Sub(date); late < 0 || late > time.Minute {
					t.Errorf("%s is signed in since %v", s.Email, s.Since)
				}
			}
		})
	}
}
