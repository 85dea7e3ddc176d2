package msntest

import (
	"embed"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
)

//go:embed testdata
var testdata embed.FS

// Object is the MSNObject token of alice's display picture, as clients send it with CHG.
// docs/protocol/payloads.md#msnobject
const Object = "%3Cmsnobj%20Creator%3D%22alice%40example.com%22%20Size%3D%221500%22%20Type%3D%223%22" +
	"%20Location%3D%22TFR20.dat%22%20Friendly%3D%22AAA%3D%22%20SHA1D%3D%22udVfpdQxl%2FkBS0ZZ5Hk3W40sBUw%3D%22" +
	"%20SHA1C%3D%22Fp+clwQ2A8OoK0X%2Fo2Lw3MNwYk4%3D%22%2F%3E"

// Payload returns the bytes of a fixture, such as P-HELLO. Callers must not change them.
func Payload(name string) ([]byte, bool) {
	b, ok := payloads()[name]
	return b, ok
}

var payloads = sync.OnceValue(func() map[string][]byte {
	all := make(map[string][]byte)
	for name, body := range fixtureFile("testdata/bodies.txt") {
		body = strings.ReplaceAll(strings.TrimSuffix(body, "\n"), "\n", "\r\n")
		all[name] = []byte(strings.ReplaceAll(body, "<CRLF>", "\r\n"))
	}
	for name, text := range fixtureFile("testdata/picture.txt") {
		bytes, err := hex.DecodeString(strings.ReplaceAll(text, "\n", ""))
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
		all[name] = bytes
	}
	all["P-RAW"] = make([]byte, 256)
	for i := range all["P-RAW"] {
		all["P-RAW"][i] = byte(i)
	}
	const p2p = "MIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\nP2P-Dest: bob@example.com\r\n\r\n"
	all["P-P2P47"] = []byte(p2p + strings.Repeat("\x00", 47))
	all["P-P2P48"] = []byte(p2p + strings.Repeat("\x00", 48))
	all["P-1664"] = filled(all["P-HELLO"], 1664)
	all["P-1665"] = filled(all["P-HELLO"], 1665)
	return all
})

// filled returns a message of size bytes that has the header of another.
func filled(message []byte, size int) []byte {
	header, _, _ := strings.Cut(string(message), "\r\n\r\n")
	header += "\r\n\r\n"
	return []byte(header + strings.Repeat("x", size-len(header)))
}

// fixtureFile reads an embedded file of fixtures, each under a heading of two dashes, its
// name, and perhaps words for the reader.
func fixtureFile(path string) map[string]string {
	text, err := testdata.ReadFile(path)
	if err != nil {
		panic(err)
	}
	fixtures := make(map[string]string)
	for i, part := range strings.Split(string(text), "\n-- ") {
		if i == 0 {
			continue // the comment at the top
		}
		heading, body, _ := strings.Cut(part, "\n")
		name, _, _ := strings.Cut(heading, " ")
		fixtures[name] = body
	}
	return fixtures
}
