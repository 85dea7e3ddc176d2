package reference

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated chapters anew")

// docsDir is where the handbook is.
const docsDir = "../../docs"

func TestGenerated(t *testing.T) {
	commands, err := Commands()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"configuration.md": Settings(), "commands.md": commands} {
		file := filepath.Join(docsDir, name)
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("docs/%s is not what the program says; run go generate ./internal/reference (-is +should be)\n%s", name, diff)
		}
	}
}
