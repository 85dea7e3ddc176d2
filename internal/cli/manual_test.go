package cli_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/config"
)

// lines are what people type before they press the key, and what there is to choose from. "FILES"
// is what is in the directory: the file monarch.toml and the directory pictures.
var lines = []struct {
	typed string
	want  string
}{
	{"monarch us", "user"},
	{"monarch user r", "rename reset role"},
	{"monarch --config monarch.toml user a", "add"},
	{"monarch --data=pictures user a", "add"},
	{"monarch user add --p", "--password-stdin"},
	{"monarch user add --nick Alice alice@example.com --pass", "--password-stdin"},
	{"monarch --conf", "--config"},
	{"monarch --config ", "monarch.toml pictures/"},
	{"monarch --data ", "pictures/"},
	{"monarch config check mon", "monarch.toml"},
	{"monarch mail ", ""},
	{"monarch completion ", "bash fish zsh"},
	{"monarch user mailbox alice@example.com o", "off on"},
	{"monarch user mailbox ", ""},
	{"monarch man monarch.", "monarch.toml"},
}

func TestShellsComplete(t *testing.T) {
	for _, shell := range []string{"bash", "fish", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := run("", "completion", shell)
			script := filepath.Join(t.TempDir(), "monarch."+shell)
			if err := os.WriteFile(script, []byte(r.out), 0o600); err != nil || r.code != 0 {
				t.Fatal(err, r)
			}
			if err := os.WriteFile(filepath.Join(dir, "monarch.toml"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, "pictures"), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				if got := complete(t, shell, script, dir, line.typed); got != line.want {
					t.Errorf("%q is completed with %q, want %q", line.typed, got, line.want)
				}
			}
		})
	}
}

// complete returns what a shell proposes, sorted.
func complete(t *testing.T, shell, script, dir, line string) string {
	t.Helper()
	program, err := filepath.Abs("testdata/complete." + shell)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{program, script, line}
	if shell == "bash" {
		words := strings.Split(strings.ReplaceAll(line, "=", " = "), " ")
		args = append([]string{program, script}, words...)
	}
	if shell == "zsh" {
		args = append([]string{"-f"}, args...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=dumb", "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s, %q: %v\n%s(scripts/setup installs the shells: the Debian packages fish and zsh)", shell, line, err, out)
	}
	found := strings.Fields(string(out))
	for i, word := range found { // where a directory ends is up to the shell
		if strings.TrimSuffix(word, "/") == "pictures" {
			found[i] = "pictures/"
		}
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

// TestManual has mandoc read the pages, and looks whether everything there is stands in them.
func TestManual(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	for _, page := range []struct {
		args []string
		want []string
	}{
		{[]string{"man"}, append(commandLines(t), "MONARCH(1)", "2023-11-14", "EXIT STATUS", "Lead a copy of MSN Messenger's program", "monarch key rotate --now")},
		{[]string{"man", "monarch.toml"}, append(settings(), "MONARCH.TOML(5)", "2023-11-14", "[limits]", "A relative path starts from")},
	} {
		r := run("", page.args...)
		if r.code != 0 || r.errout != "" {
			t.Fatalf("%+v", r)
		}
		if said := mandoc(t, r.out, "-T", "lint", "-W", "warning"); said != "" {
			t.Errorf("%s: %s", page.args, said)
		}
		shown := strings.Join(strings.Fields(backspace.ReplaceAllString(mandoc(t, r.out, "-T", "utf8"), "")), " ")
		for _, want := range page.want {
			if !strings.Contains(shown, want) {
				t.Errorf("%s does not say %q", page.args, want)
			}
		}
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if r := run("", "man"); r.code != 2 || !strings.Contains(r.errout, "SOURCE_DATE_EPOCH is not a number of seconds: yesterday") {
		t.Errorf("%+v", r)
	}
}

// backspace is how bold letters are written for terminals that print on paper.
var backspace = regexp.MustCompile(`.\x08`)

func mandoc(t *testing.T, page string, args ...string) string {
	t.Helper()
	cmd := exec.Command("mandoc", append(args, "-O", "width=1000")...)
	cmd.Stdin = strings.NewReader(page)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("mandoc %s: %v (scripts/setup installs it: the Debian package mandoc)", strings.Join(args, " "), err)
	}
	return string(out)
}

// commandLines are all commands, as fish's completion has them.
func commandLines(t *testing.T) []string {
	t.Helper()
	var found []string
	list := regexp.MustCompile(`(?m)^set -g __monarch_commands (.*)$`).FindStringSubmatch(run("", "completion", "fish").out)
	if list == nil {
		t.Fatal("fish is told of no commands")
	}
	all := strings.Fields(list[1])
	for _, path := range all {
		if !slices.ContainsFunc(all, func(other string) bool { return strings.HasPrefix(other, path+"/") }) {
			found = append(found, "monarch"+strings.ReplaceAll(path, "/", " "))
		}
	}
	return found
}

// settings are all keys with their defaults and variables.
func settings() []string {
	var found []string
	for _, k := range config.Keys() {
		_, name, _ := strings.Cut(k.Name, ".")
		found = append(found, fmt.Sprintf("%s = %s", name, strings.Join(strings.Fields(k.Default), " ")), k.Env)
	}
	return found
}

func TestCompletionOfAShellThereIsNoneFor(t *testing.T) {
	r := run("", "completion", "csh")
	if r.code != 2 || !strings.Contains(r.errout, `must be one of "bash","fish","zsh" but got "csh"`) {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff(run("", "completion", "zsh").out, run("", "completion", "zsh").out); diff != "" {
		t.Error(diff)
	}
}
