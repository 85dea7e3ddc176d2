package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// messenger makes a file that has the header of a Windows program, and texts.
func messenger(t *testing.T, texts ...string) string {
	t.Helper()
	b := make([]byte, 0x80)
	copy(b, "MZ")
	b[0x3c] = 0x40
	copy(b[0x40:], "PE\x00\x00")
	for _, text := range texts {
		b = append(append(b, text...), 0)
	}
	file := filepath.Join(t.TempDir(), "msnmsgr.exe")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// named makes a configuration.
func named(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "monarch.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPatchWritesACopyBeside(t *testing.T) {
	file := messenger(t, "messenger.hotmail.com", "https://nexus.passport.com/rdr/pprdr.asp")
	before := read(t, file)
	cfg := named(t, "[service]\nhost = \"im.example.com\"\n")
	r := run("", "--config", cfg, "patch", file, "--dry-run")
	if r.code != 0 || !strings.Contains(r.out, "Nothing was written.") {
		t.Errorf("dry run: %+v", r)
	}
	out := strings.TrimSuffix(file, ".exe") + "-monarch.exe"
	if _, err := os.Stat(out); err == nil {
		t.Error("the dry run wrote a file")
	}
	r = run("", "--config", cfg, "patch", file)
	for _, want := range []string{
		"does not say its version", "Wrote " + out, "login.passport.com", "passport.login_url",
		"0x000080  ANSI  messenger.hotmail.com             im.example.com\n",
		"0x00009e  ANSI  nexus.passport.com/rdr/pprdr.asp  im.example.com/rdr/pprdr.asp\n",
	} {
		if r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("patch, exit code %d, no %q in:\n%s%s", r.code, want, r.out, r.errout)
		}
	}
	if !bytes.Equal(read(t, file), before) {
		t.Error("the original was changed")
	}
	after := read(t, out)
	want := string(before[:0x80]) + "im.example.com" + strings.Repeat("\x00", 8) + "https://im.example.com/rdr/pprdr.asp" + strings.Repeat("\x00", 5)
	if string(after) != want {
		t.Errorf("the copy is %q, want %q", after[0x80:], want[0x80:])
	}
	for _, again := range [][]string{{file}, {messenger(t, "messenger.hotmail.com"), "--out", file}} {
		if r := run("", append([]string{"--config", cfg, "patch"}, again...)...); r.code != 1 || !strings.Contains(r.errout, "exists already") {
			t.Errorf("over a file: %+v", r)
		}
	}
	if r := run("", "--config", cfg, "patch", out); r.code != 1 || !strings.Contains(r.errout, "it leads here already") {
		t.Errorf("patched twice: %+v", r)
	}
}

func TestPatchNames(t *testing.T) {
	file := messenger(t, "messenger.hotmail.com", "nexus.passport.com")
	cfg := named(t, "[service]\nhost = \"messenger.example.net\"\n[dispatch]\nadvertise = \"ds.example.net:2000\"\n"+
		"[passport]\nlogin_url = \"im.example.net/login\"\n")
	r := run("", "--config", cfg, "patch", file)
	if r.code != 0 || !strings.Contains(r.out, "ds.example.net\n") || !strings.Contains(r.out, "im.example.net\n") ||
		!strings.Contains(r.out, "at port 2000") || strings.Contains(r.out, "login_url") {
		t.Errorf("names of the configuration: %+v", r)
	}
	r = run("", "patch", file, "--dry-run", "--host", "chat.my.example.org")
	if r.code != 0 || !strings.Contains(r.out, "no name is short enough") || !strings.Contains(r.out, "For nexus.passport.com a name may have 18 characters.") {
		t.Errorf("a long name: %+v", r)
	}
	r = run("", "patch", file, "--dry-run", "--host", "chat.my.example.org", "--host", "a.example.org")
	if r.code != 0 || strings.Contains(r.out, "short enough") || !strings.Contains(r.out, "nexus.passport.com     a.example.org\n") {
		t.Errorf("a long and a short name: %+v", r)
	}
	if r := run("", "patch", file, "--host", "https://im.example.com"); r.code != 2 || !strings.Contains(r.errout, "no host name") {
		t.Errorf("no name: %+v", r)
	}
	if r := run("", "patch", file, "--host", "a.very.long.name.example.com"); r.code != 1 || !strings.Contains(r.errout, "no name is short enough") {
		t.Errorf("a very long name: %+v", r)
	}
}

func TestPatchRefuses(t *testing.T) {
	if r := run("", "patch", named(t, "hello")); r.code != 1 || !strings.Contains(r.errout, "no Windows program") {
		t.Errorf("a text: %+v", r)
	}
	if r := run("", "patch", messenger(t, "nothing")); r.code != 1 || !strings.Contains(r.errout, "none of the texts is in it") {
		t.Errorf("another program: %+v", r)
	}
	if r := run("", "patch", filepath.Join(t.TempDir(), "msnmsgr.exe")); r.code != 1 || !strings.Contains(r.errout, "no such file") {
		t.Errorf("no file: %+v", r)
	}
	old := messenger(t, "\xbd\x04\xef\xfe\x00\x00\x01\x00\x05\x00\x07\x00\x00\x00\x20\x03", "messenger.hotmail.com")
	if r := run("", "patch", old, "--dry-run"); r.code != 0 || !strings.Contains(r.out, "version 7.5.800.0\nThis service is made for the versions 5.0 to 6.2") {
		t.Errorf("a later version: %+v", r)
	}
}
