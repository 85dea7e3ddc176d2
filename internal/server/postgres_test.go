package server_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"monarch/internal/msntest"
	"monarch/internal/pgtest"
)

// TestPeopleChatWhilePostgresIsAway takes the database away from a server and gives it back. Who
// is signed in goes on; what needs the database is refused, and works again afterwards, without a
// restart. docs/postgresql.md
func TestPeopleChatWhilePostgresIsAway(t *testing.T) {
	t.Parallel()
	db := pgtest.Start(t)
	name, err := db.Create("")
	if err != nil {
		t.Fatal(err)
	}
	f := msntest.Start(t, map[string]string{"database.url": db.URL(name), "web.listen": "127.0.0.1:0"})
	p := msntest.NewPlayer(t, f)
	p.Play(`mutual alice bob
signin9 A
signin9 B
chat A B
ticket C`)
	if err := db.Stop(); err != nil {
		t.Fatal(err)
	}
	p.Play(`A.sb> MSG 20 A {n} + P-HELLO
A.sb< ACK 20
B.sb< MSG alice@example.com Alice {n} + P-HELLO
A.ns> CHG 30 BSY 268435492
A.ns< CHG 30 BSY 268435492
B.ns< NLN BSY alice@example.com Alice 268435492
A.ns> ADD 31 FL carol@example.com Carol 0
A.ns< 500 31
C.ns> VER 1 MSNP9 MSNP8 CVR0
C.ns< VER 1 MSNP9 CVR0
C.ns> CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS carol@example.com
C.ns< CVR 2 6.0.0602 6.0.0602 6.0.0602 {url1} {url2}
C.ns> USR 3 TWN I carol@example.com
C.ns< USR 3 TWN S {*}
C.ns> USR 4 TWN S {ticket}
C.ns< 601 4
C.ns x
fresh C.ns`)
	come := "Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,sign-in=alice%40example.com,pwd=secret-alice,lc=1033"
	if status := get(t, "https://"+f.Server.Addr("https")+"/login2.srf", "Authorization", come); status != http.StatusServiceUnavailable {
		t.Errorf("the login: status %d", status)
	}
	if status := get(t, "http://"+f.Server.Addr("web")+"/", "Cookie", "session=somebody"); status != http.StatusServiceUnavailable {
		t.Errorf("the website, for somebody who is signed in: status %d", status)
	}
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	p.Play(`A.ns> ADD 40 FL carol@example.com Carol 0
A.ns< ADD 40 FL {v+1} carol@example.com Carol 0
A.ns< BPR {v} carol@example.com PHH
A.ns< BPR {v} carol@example.com PHW
A.ns< BPR {v} carol@example.com PHM
A.ns< BPR {v} carol@example.com MOB N
signin9 C`)
	p.Finish()
}

// get asks for a page with a header, and returns the status of the answer.
func get(t *testing.T, page, header, value string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(header, value)
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode
}
