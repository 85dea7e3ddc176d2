package admin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/cluster/clustertest"
)

func TestAuditEntries(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx, c := t.Context(), b.client
		for i := range 7 {
			b.Audit.Record(ctx, audit.Event{What: audit.BackupWritten, Note: fmt.Sprint(i)})
		}
		b.Audit.Record(ctx, audit.Event{What: audit.AccountDisabled, User: "alice@example.com", By: "somebody"})
		var notes []string
		q := admin.AuditQuery{Event: "backup written", Limit: 3}
		for parts := 1; ; parts++ {
			l, err := c.AuditEntries(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range l.Items {
				notes = append(notes, e.Note)
			}
			if q.After = l.Next; l.Next == "" {
				break
			}
		}
		if want := []string{"6", "5", "4", "3", "2", "1", "0"}; !slices.Equal(notes, want) {
			t.Errorf("backups %q", notes)
		}
		l, err := c.AuditEntries(ctx, admin.AuditQuery{User: "Alice@example.com", Since: b.Clock.Now().Add(-time.Hour)})
		if err != nil || len(l.Items) != 1 || l.Items[0].By != "somebody" || l.Items[0].Node != "" || l.Next != "" {
			t.Errorf("of alice: %+v, %v", l, err)
		}
		_, err = c.AuditEntries(ctx, admin.AuditQuery{After: "yesterday"})
		refused(t, err, admin.CodeBadRequest)
		b.Audit = nil
		_, err = c.AuditEntries(ctx, admin.AuditQuery{})
		refused(t, err, admin.CodeNoAudit)
	})
}

// TestAuditEntriesOfAllNodes has two nodes record more than one of them tells at once, by turns.
func TestAuditEntriesOfAllNodes(t *testing.T) {
	here, there, network := newBench(t), newBench(t), clustertest.NewNet()
	here.join(t, network, "a")
	there.join(t, network, "b")
	const each = 450
	for i := range each {
		for _, b := range []bench{here, there} {
			b.Audit.Record(t.Context(), audit.Event{What: audit.BackupWritten, Note: fmt.Sprint(i)})
		}
	}
	here.meets(t)
	got := map[string]int{}
	q := admin.AuditQuery{Limit: 600}
	for last := time.Now().Add(time.Hour); ; {
		l, err := here.AuditEntries(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range l.Items {
			if e.Time.After(last) {
				t.Fatalf("%+v is not in order", e)
			}
			last = e.Time
			got[e.Node]++
		}
		if q.After = l.Next; l.Next == "" {
			break
		}
	}
	if got["a"] != each || got["b"] != each {
		t.Errorf("entries %v", got)
	}
}
