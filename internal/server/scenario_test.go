// Package server_test tries the whole server from outside, as clients meet it.
package server_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"monarch/internal/msntest"
)

// parallel is how many transcripts play at a time unless the command line says otherwise.
// They wait for the server's silence most of the time, so they may be many more than there
// are processors.
const parallel = "16"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", parallel); err != nil {
			panic(err)
		}
	}
	os.Exit(msntest.Main(m))
}

// TestScenarios plays the transcripts. docs/protocol/scenarios.md#transcripts
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there are no transcripts")
	}
	if msntest.OnPostgres() { // which has no backups of ours
		files = slices.DeleteFunc(files, func(path string) bool { return filepath.Base(path) == "restore.txt" })
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			msntest.RunFile(t, path)
		})
	}
}
