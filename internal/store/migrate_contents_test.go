package store

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"monarch/internal/im"
)

// contents are what a database of each schema holds beyond those before it. The accounts
// came in the order alice, bob, carol; who made the first invitation was removed.
var contents = map[int]string{
	1: `
		INSERT INTO account (id, handle, name, password_hash, credential, disabled, version, prompt, policy, created) VALUES
			(890000000000000002, 'carol@example.com', 'Carol%20C', 'hash of carol', 1, FALSE, 5, 'A', 'AL', 1003),
			(890000000000000000, 'alice@example.com', 'Alice', 'hash of alice', 3, FALSE, 9, 'N', 'BL', 1001),
			(890000000000000001, 'bob@example.com', 'Bob', 'hash of bob', 2, TRUE, 7, 'A', 'AL', 1002);
		INSERT INTO contact_group (owner, number, name) VALUES
			(890000000000000000, 0, 'Other%20Contacts'), (890000000000000000, 2, 'Work'),
			(890000000000000001, 0, 'All'), (890000000000000002, 0, 'Other%20Contacts');
		INSERT INTO contact (owner, peer, lists, in_groups, stored) VALUES
			(890000000000000000, 890000000000000001, 3, 4, 'Bobby%20B'),
			(890000000000000001, 890000000000000000, 3, 1, 'Ally'),
			(890000000000000002, 890000000000000000, 1, 1, 'A'),
			(890000000000000000, 890000000000000002, 4, 0, 'C'),
			(890000000000000001, 890000000000000001, 1, 1, 'Me');
		INSERT INTO property (owner, type, value) VALUES
			(890000000000000001, 'PHH', '1%20555'), (890000000000000000, 'MBE', 'Y');
		INSERT INTO signing_key (id, secret, created) VALUES (1, 'c0ffee', 1000)`,
	2: `
		INSERT INTO mailbox (owner, inbox, folders, url, version) VALUES
			(890000000000000001, 3, 4, 'https://mail.example.com/', 5);
		INSERT INTO invitation (recipient, sent, inviter) VALUES
			('a', 1000, 880000000000000000), ('b', 1001, 890000000000000000), ('b', 1002, 890000000000000001)`,
	5: `
		INSERT INTO signing_key (id, secret, created, retires) VALUES (255, 'decade', 900, 4000000000)`,
	6: `
		INSERT INTO web_session (token, owner, credential, created, seen, agent, address) VALUES ('a', 1, 3, 1000, 1001, 'A', '192.0.2.1');
		INSERT INTO invite_code (code, uses_left, created, expires, made_by) VALUES ('AAAA-BBBB-CCCC', 2, 1000, 0, 'a');
		INSERT INTO letter_token (token, kind, recipient, owner, credential, handle, name, password_hash, invite, expires) VALUES
			('a', 'reset', 'r', 1, 3, '', '', '', '', 4000000000), ('b', 'confirm', 's', NULL, 0, 'd@example.com', 'D', 'h', '', 4000000000)`,
	7: `
		INSERT INTO api_token (id, name, hash, scopes, created, made_by, expires, used) VALUES ('a', 'deploy', 'h', 'accounts:read', 1000, 'a', 0, 0);
		INSERT INTO network_rule (network, rule, reason, made_by, created, expires, keep) VALUES ('192.0.2.0/24', 'deny', 'a', 'b', 1000, 0, TRUE);
		INSERT INTO webhook (id, url, secret, events, created, made_by) VALUES ('a', 'https://example.com', 's', '*', 1000, 'a');
		INSERT INTO webhook_delivery (id, webhook, made, body) VALUES ('a', 'a', 1000, '{}');
		INSERT INTO acme_account (directory, private_key) VALUES ('d', 'c0ffee');
		INSERT INTO acme_certificate (directory, host, chain, private_key, busy, retry, failures) VALUES ('d', 'h', '', '', 0, 0, 0);
		INSERT INTO acme_challenge (token, host, answer, expires) VALUES ('a', 'h', 'b', 4000000000)`,
}

func TestWhatADatabaseHoldsSurvivesEveryMigration(t *testing.T) {
	list, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	for from := 1; from <= len(list); from++ {
		url := newEmpty(t)
		old := openRaw(t, url)
		for at := 1; at <= from; at++ {
			if err := migrate(context.Background(), old, list[:at]); err != nil {
				t.Fatal(err)
			}
			if _, err := old.Exec(contents[at]); err != nil {
				t.Fatalf("contents of schema %d: %v", at, err)
			}
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		s := open(t, url)
		checkAccounts(t, s)
		if from >= 2 {
			checkMail(t, s)
		}
		h, err := Check(context.Background(), url)
		if err != nil || len(h.Faults) > 0 {
			t.Errorf("from schema %d: %v, %v", from, h.Faults, err)
		}
	}
}

func checkAccounts(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	alice := im.Person{ID: 1, Handle: "alice@example.com", Name: "Alice"}
	bob := im.Person{ID: 2, Handle: "bob@example.com", Name: "Bob"}
	carol := im.Person{ID: 3, Handle: "carol@example.com", Name: "Carol C"}
	const mutual = im.Forward | im.Allow | im.Reverse
	number := []im.Property{{Type: "PHH", Value: "1 555"}}
	for _, want := range []im.Roster{
		{
			User: im.User{
				Person: alice, PasswordHash: "hash of alice", Credential: 3, Version: 9,
				Prompt: im.AddSilent, Policy: im.BlockOthers, Created: 1001,
			},
			Properties: []im.Property{{Type: "MBE", Value: "Y"}},
			Groups:     []im.Group{{Number: 0, Name: "Other Contacts"}, {Number: 2, Name: "Work"}},
			Contacts: []im.Contact{
				{ID: bob.ID, Handle: bob.Handle, Lists: mutual, Stored: "Bobby B", Groups: []int{2}, AllowsUser: true, Properties: number},
				{ID: carol.ID, Handle: carol.Handle, Lists: im.Block | im.Reverse, Stored: "Carol C", AllowsUser: true},
			},
		},
		{
			User: im.User{
				Person: bob, PasswordHash: "hash of bob", Credential: 2, Disabled: true, Version: 7,
				Prompt: im.Ask, Policy: im.AllowOthers, Created: 1002,
			},
			Properties: number,
			Groups:     []im.Group{{Number: 0, Name: "All"}},
			Contacts: []im.Contact{
				{ID: alice.ID, Handle: alice.Handle, Lists: mutual, Stored: "Ally", Groups: []int{0}, AllowsUser: true},
				{ID: bob.ID, Handle: bob.Handle, Lists: im.Forward | im.Reverse, Stored: "Me", Groups: []int{0}, AllowsUser: true, Properties: number},
			},
		},
		{
			User: im.User{
				Person: carol, PasswordHash: "hash of carol", Credential: 1, Version: 5,
				Prompt: im.Ask, Policy: im.AllowOthers, Created: 1003,
			},
			Groups:   []im.Group{{Number: 0, Name: "Other Contacts"}},
			Contacts: []im.Contact{{ID: alice.ID, Handle: alice.Handle, Lists: im.Forward, Stored: "A", Groups: []int{0}}},
		},
	} {
		got, err := s.Roster(ctx, want.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	}
	if keys, err := s.Keys(ctx); err != nil || len(keys) == 0 || keys[0].Created != 1000 || keys[0].Retires != 0 {
		t.Errorf("keys %v, %v", keys, err)
	}
	if u, err := s.CreateUser(ctx, "dave@example.com", "", ""); err != nil || u.ID != 4 {
		t.Errorf("the next account got id %d, %v", u.ID, err)
	}
}

func checkMail(t *testing.T, s *Store) {
	t.Helper()
	box, err := s.Mailbox(context.Background(), 2)
	if want := (im.Mailbox{Inbox: 3, Folders: 4, URL: "https://mail.example.com/", Version: 5}); err != nil || box != want {
		t.Errorf("mailbox %+v, %v", box, err)
	}
	inviters, err := lines(context.Background(), raw(s), `SELECT inviter FROM invitation ORDER BY sent`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, inviters); diff != "" {
		t.Errorf("inviters: %s", diff)
	}
}
