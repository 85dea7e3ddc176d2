package admin_test

import (
	"maps"
	"testing"

	"monarch/internal/admin"
)

func TestListenersAreTold(t *testing.T) {
	b := newBench(t)
	local := admin.Local(b.Service)
	if addrs, err := local.Listeners(t.Context()); err != nil || len(addrs) != 0 {
		t.Errorf("without a server: %v, %v", addrs, err)
	}
	want := map[string]string{"dispatch": "127.0.0.1:1863", "https": "[::]:8443"}
	b.Listeners = want
	if addrs, err := local.Listeners(t.Context()); err != nil || !maps.Equal(addrs, want) {
		t.Errorf("%v, %v", addrs, err)
	}
}
