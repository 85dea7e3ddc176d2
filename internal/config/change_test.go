package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/config"
)

func TestChangesAreNamedAndCanBeTakenOver(t *testing.T) {
	before, after := config.Default(), config.Default()
	if names := before.Changes(after); len(names) != 0 {
		t.Errorf("no change is %q", names)
	}
	after.Log.Level = config.LogDebug
	after.Limits.MaxContacts = 7
	after.Protocol.ForbiddenNames = []string{"staff"}
	after.Dispatch.Listen = ":1"
	want := []string{"dispatch.listen", "protocol.forbidden_names", "limits.max_contacts", "log.level"}
	if diff := cmp.Diff(want, before.Changes(after)); diff != "" {
		t.Error(diff)
	}
	some := before.With(after, "limits.max_contacts", "log.level")
	if diff := cmp.Diff([]string{"dispatch.listen", "protocol.forbidden_names"}, some.Changes(after)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(config.Default(), before); diff != "" {
		t.Errorf("the one that was asked has changed:\n%s", diff)
	}
}
