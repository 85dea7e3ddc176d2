package reference

import (
	"crypto/tls"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"monarch/internal/msntest"
)

// address matches the path of something that a server answers with.
var address = regexp.MustCompile("`(/[a-z][\\w/.-]*)`")

// onDisk are paths of files, and classes of what the Go runtime measures.
var onDisk = regexp.MustCompile(`^/(?:etc|var|usr|proc|dev|tmp|run|sys|monarch|cpu|gc|memory|sched|sync)(?:/|$)`)

// TestAddressesInDocumentsExist asks a server for each path that documents name.
func TestAddressesInDocumentsExist(t *testing.T) {
	f := msntest.Start(t, map[string]string{"mail.hook_token": "0123456789abcdef"})
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: f.Roots(), ServerName: "login.passport.com"}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	answers := make(map[string]bool)
	exists := func(path string) bool {
		for _, base := range []string{"http://" + f.Server.Addr("web"), "http://" + f.Server.Addr("ops"), "https://" + f.Server.Addr("https"), "http://" + f.Server.Addr("http")} {
			resp, err := client.Get(base + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound {
				return true
			}
		}
		return false
	}
	each(documents(t), func(where, line string, block bool) {
		for _, m := range address.FindAllStringSubmatch(line, -1) {
			path := m[1]
			if block || onDisk.MatchString(path) || strings.HasPrefix(path, "/api/") || strings.HasPrefix(where, "protocol/") {
				continue
			}
			if _, asked := answers[path]; !asked {
				answers[path] = exists(path)
			}
			if !answers[path] {
				t.Errorf("%s: no server answers at %s", where, path)
			}
		}
	})
	if len(answers) < 10 {
		t.Errorf("found %d addresses", len(answers))
	}
}
