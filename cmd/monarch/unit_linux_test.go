package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exposure is the most that systemd may find open in the unit, of 100. What is left is what a
// service on the network has to have.
const exposure = "20"

// TestUnit has systemd read the units that come with the server, and rate them.
func TestUnit(t *testing.T) {
	for _, name := range []string{"monarch.service", "monarch@.service"} {
		t.Run(name, func(t *testing.T) { verifyUnit(t, name) })
	}
}

func verifyUnit(t *testing.T, name string) {
	t.Helper()
	unit, err := os.ReadFile("../../deploy/systemd/" + name)
	if err != nil {
		t.Fatal(err)
	}
	const installed = "/usr/bin/monarch"
	if !strings.Contains(string(unit), "ExecStart="+installed+" serve ") {
		t.Fatalf("the unit does not start %s", installed)
	}
	path := filepath.Join(t.TempDir(), strings.Replace(name, "@", "@node-1", 1))
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(unit), installed, programs.Path("monarch"))), 0o600); err != nil {
		t.Fatal(err)
	}
	analyze := func(args ...string) string {
		cmd := exec.Command("systemd-analyze", append(args, path)...)
		cmd.Env = append(os.Environ(), "SYSTEMD_COLORS=0", "SYSTEMD_EMOJI=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s(scripts/setup installs it: the Debian package systemd)", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if said := analyze("verify", "--man=no"); strings.Contains(said, filepath.Base(path)+":") {
		t.Error(said)
	}
	said := analyze("security", "--offline=true", "--no-pager", "--threshold="+exposure)
	t.Log(regexp.MustCompile("Overall exposure.*").FindString(said))
}

// TestUnitNeedsNoRoot reads the lines that keep it so.
func TestUnitNeedsNoRoot(t *testing.T) {
	unit, err := os.ReadFile("../../deploy/systemd/monarch.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"User=monarch", "AmbientCapabilities=CAP_NET_BIND_SERVICE", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
		"NoNewPrivileges=yes", "ProtectSystem=strict", "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources",
		"MemoryDenyWriteExecute=yes", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "StateDirectoryMode=0700",
	} {
		if !strings.Contains("\n"+string(unit), "\n"+line+"\n") {
			t.Errorf("the unit lacks %s", line)
		}
	}
}
