package server_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/audit"
	"monarch/internal/msntest"
)

// Whatever clients call themselves, a sign-in is a short line of the audit log.
func TestLongNamesOfClientsAreCutInTheAuditLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	f := msntest.Start(t, map[string]string{"audit.file": path})
	p := msntest.NewPlayer(t, f)
	p.Set("long", strings.Repeat("x", 400))
	p.Play(`ticket A
		A.ns> VER 1 MSNP9 CVR0
		A.ns< VER 1 MSNP9 CVR0
		A.ns> CVR 2 0x0409 winnt 5.1 i386 {long} {long} MSMSGS alice@example.com
		A.ns< CVR 2 {*}
		A.ns> USR 3 TWN I alice@example.com
		A.ns< USR 3 TWN S {_}
		A.ns> USR 4 TWN S {ticketA}
		A.ns< USR 4 OK {*}`)
	var notes []string
	err := audit.Read(path, time.Time{}, func(e audit.Entry) error {
		if e.Event == string(audit.SignedIn) {
			notes = append(notes, e.Note)
		}
		return nil
	})
	part := strings.Repeat("x", 64)
	if want := part + " " + part + ", MSNP9"; err != nil || len(notes) != 1 || notes[0] != want {
		t.Errorf("%q, %v", notes, err)
	}
}
