package cluster

import (
	"bytes"
	"testing"
)

func TestPacketsReadAsTheyWereWritten(t *testing.T) {
	id := NewID("node-1.example.com")
	want := standing{1, 1 << 40, 300, 0, missed | please}
	kind, from, body, err := parseHeader(want.append(header(standingPacket, id)))
	got, bad := parseStanding(body)
	if kind != standingPacket || from != id || err != nil || got != want || bad != nil {
		t.Errorf("%d from %s, %v: %+v, %v", kind, from, err, got, bad)
	}

	var b []byte
	messages := []message{{kind: beginMessage}, {dataMessage, 0, []byte("one")}, {askMessage, 1 << 50, nil}, {77, 3, make([]byte, 300)}}
	for _, m := range messages {
		b = appendMessage(b, m)
	}
	c := cursor{b: b}
	for _, want := range messages {
		if got, err := c.message(); got.kind != want.kind || got.call != want.call || !bytes.Equal(got.body, want.body) || err != nil {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	if len(c.b) > 0 {
		t.Errorf("%d bytes are left", len(c.b))
	}
}

func TestHeartbeatsSayHowEachStreamStands(t *testing.T) {
	a, b, c := NewID("a"), NewID("b"), NewID("c")
	all := streams{b.Run(): {1, 1 << 40, 3, 4, missed}, c.Run(): {5, 6, 0, 0, 0}}
	packet := all.append(header(beatPacket, a), []byte(`{"Sessions":7,"Phase":1}`))
	for _, run := range []string{b.Run(), c.Run(), NewID("d").Run()} {
		_, _, body, _ := parseHeader(packet)
		said, s, ok, err := parseBeat(body, run)
		want, told := all[run]
		if said.Sessions != 7 || said.Phase != serving || s != want || ok != told || err != nil {
			t.Errorf("%s reads %+v, %+v, %v, %v; want %+v", run, said, s, ok, err, want)
		}
	}
}

// It is waited for while a snapshot is sent, and then no more.
func TestASnapshotIsAcknowledged(t *testing.T) {
	var in inbound
	told := func() int {
		n := 0
		for range 10 * eager {
			if in.batch(1, in.next) != read {
				t.Fatal("a batch was not read")
			}
			if in.due() {
				n++
				in.standing(new(standing))
			}
		}
		return n
	}
	if n := told(); n != 10 {
		t.Errorf("told %d times of a snapshot", n)
	}
	in.complete()
	if n := told(); n != 1 {
		t.Errorf("told %d times after it", n)
	}
}

func TestIDs(t *testing.T) {
	a, b := NewID("node-1"), NewID("node-1")
	if a == b || a.Name() != "node-1" || len(a.Run()) != 13 || string(a) != "node-1/"+a.Run() {
		t.Errorf("%s and %s", a, b)
	}
	for name, ok := range map[string]bool{
		"a": true, "node-1.example.com": true, "N_1": true,
		"": false, "a/b": false, "a b": false, "-a": false, "a.": false, "é": false, string(make([]byte, 65)): false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestWhoSendsIsANode(t *testing.T) {
	for id, ok := range map[NodeID]bool{
		"a/aaaaaaaaaaaaa": true, "node-1.example.com/az27az27az27a": true,
		"": false, "a": false, "a/": false, "/aaaaaaaaaaaaa": false, "a/aaaaaaaaaaaa": false, "a/aaaaaaaaaaaaaa": false,
		"a/aaaaaaaaaaaa1": false, "a/aaaaaaaaaaaaA": false, "a/aaaaaaaaaaaa>": false, "a/aaaaaa aaaaaa": false, "a/aaaaa.aaaaaaa": false,
		"a/x\r\nPUB x 1\r\n": false, "a/aaaaaaaaaaaaa\n": false, "a b/aaaaaaaaaaaaa": false, "a/b/aaaaaaaaaaaaa": false,
	} {
		if _, from, _, err := parseHeader(header(beatPacket, id)); (err == nil) != ok || ok && from != id {
			t.Errorf("%q: %q, %v", id, from, err)
		}
	}
}

func FuzzPacket(f *testing.F) {
	id := NewID("a")
	f.Add(standing{run: 1}.append(header(standingPacket, id)))
	f.Add(appendMessage(append(header(batchPacket, id), 1, 0), message{kind: beginMessage}))
	f.Add(streams{id.Run(): {run: 1, flags: missed}}.append(header(beatPacket, id), []byte("{}")))
	f.Fuzz(func(t *testing.T, packet []byte) {
		_, _, body, err := parseHeader(packet)
		if err != nil {
			return
		}
		if s, err := parseStanding(body); err != nil && s.flags != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if _, s, ok, err := parseBeat(body, id.Run()); (err != nil || !ok) && s.flags != 0 {
			t.Errorf("%+v, %t, %v", s, ok, err)
		}
		for len(body.b) > 0 {
			if m, err := body.message(); err != nil {
				return
			} else if len(m.body) > len(packet) {
				t.Error("a message longer than its packet")
			}
		}
	})
}
