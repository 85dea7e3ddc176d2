package store

import (
	"context"
	"fmt"
	"slices"

	"monarch/internal/im"
	"monarch/msnp"
)

// SetPrompt changes whether the client asks when somebody adds its user, and returns the new
// version. It refuses with im.ErrSameMode. docs/protocol/lists.md#gtc
func (s *Store) SetPrompt(ctx context.Context, owner im.UserID, p im.Prompt) (uint32, error) {
	return change(ctx, s, fmt.Sprintf("set prompt of %d", owner), func(tx *transaction) (uint32, error) {
		return setMode(ctx, tx, owner, `UPDATE account SET prompt = $2 WHERE id = $1 AND prompt <> $2`, p)
	})
}

// SetPolicy changes what holds for people on neither the allow nor the block list, and
// returns the new version. It refuses with im.ErrSameMode. docs/protocol/lists.md#blp
func (s *Store) SetPolicy(ctx context.Context, owner im.UserID, p im.Policy) (uint32, error) {
	return change(ctx, s, fmt.Sprintf("set policy of %d", owner), func(tx *transaction) (uint32, error) {
		if err := tx.holdAround(ctx, undecided, owner); err != nil {
			return 0, err
		}
		version, err := setMode(ctx, tx, owner, `UPDATE account SET policy = $2 WHERE id = $1 AND policy <> $2`, p)
		if err != nil {
			return 0, err
		}
		_, err = tx.ExecContext(ctx, stepEpochsOfUndecided, owner)
		return version, err
	})
}

// setMode runs a query that changes a mode of owner, and returns his new version.
func setMode(ctx context.Context, tx *transaction, owner im.UserID, query string, mode any) (uint32, error) {
	version, err := step(ctx, tx, owner)
	if err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, query, owner, mode)
	return version, changedOne(res, err, im.ErrSameMode)
}

// properties are the types an account may have, in the order clients are told them, and
// whether contacts see them. docs/protocol/lists.md#prp
var properties = []struct {
	typ    string
	shared bool
}{
	{"PHH", true}, {"PHW", true}, {"PHM", true}, {"MOB", true}, {"MBE", false}, {"WWE", true},
}

// propertyIndex returns the place of a type in properties, or -1.
func propertyIndex(typ string) int {
	for i, p := range properties {
		if p.typ == typ {
			return i
		}
	}
	return -1
}

// Told is somebody whose lists show another's property.
type Told struct {
	User    im.UserID
	Version uint32 // his own, after the change
}

// SetProperty changes a property, or clears it if the value is empty. Of the result, told are
// those who see it: they and the owner have one another on their forward lists. They are ordered
// by id. It refuses with im.ErrUnknownSetting.
func (s *Store) SetProperty(ctx context.Context, owner im.UserID, typ, value string) (version uint32, told []Told, err error) {
	type set struct {
		version uint32
		told    []Told
	}
	done, err := change(ctx, s, fmt.Sprintf("set property %s of %d", typ, owner), func(tx *transaction) (set, error) {
		at := propertyIndex(typ)
		if at < 0 {
			return set{}, im.ErrUnknownSetting
		}
		if properties[at].shared {
			if err := tx.holdAround(ctx, watchers, owner); err != nil {
				return set{}, err
			}
		}
		version, err := step(ctx, tx, owner)
		if err != nil {
			return set{}, err
		}
		if err := writeProperty(ctx, tx, owner, typ, value); err != nil {
			return set{}, err
		}
		if !properties[at].shared {
			return set{version: version}, nil
		}
		told, err := stepWatchers(ctx, tx, owner, version)
		return set{version, told}, err
	})
	return done.version, done.told, err
}

func writeProperty(ctx context.Context, tx *transaction, owner im.UserID, typ, value string) error {
	if value == "" {
		_, err := tx.ExecContext(ctx, `DELETE FROM property WHERE owner = $1 AND type = $2`, owner, typ)
		return err
	}
	_, err := tx.ExecContext(ctx,
		`INSERT INTO property (owner, type, value) VALUES ($1, $2, $3)
		ON CONFLICT (owner, type) DO UPDATE SET value = excluded.value`, owner, typ, msnp.Escape(value))
	return err
}

// stepWatchers moves the versions of those whose lists show the owner's properties.
func stepWatchers(ctx context.Context, tx *transaction, owner im.UserID, version uint32) ([]Told, error) {
	seeing, err := collect(ctx, tx, scanID, watchers+` ORDER BY his.owner`, owner)
	if err != nil {
		return nil, err
	}
	var told []Told
	for _, w := range seeing {
		v, err := stepPeer(ctx, tx, owner, w, version)
		if err != nil {
			return nil, err
		}
		told = append(told, Told{w, v})
	}
	return told, nil
}

// watchers selects who has the account $1 on his forward list and is on that one's.
const watchers = `
	SELECT his.owner
	FROM contact his
	JOIN contact mine ON mine.owner = his.peer AND mine.peer = his.owner
	WHERE his.peer = $1 AND (his.lists & 1) <> 0 AND (mine.lists & 1) <> 0`

// Shown returns the properties that an account shows to those on its forward list.
func (s *Store) Shown(ctx context.Context, id im.UserID) ([]im.Property, error) {
	return view(ctx, s, fmt.Sprintf("load properties of %d", id), func(tx *transaction) ([]im.Property, error) {
		properties, err := loadProperties(ctx, tx, `owner = $1`, id)
		return shared(properties[id]), err
	})
}

// loadProperties returns the properties of the accounts that a condition on owner selects,
// each account's in the order of the table above.
func loadProperties(ctx context.Context, tx *transaction, where string, id im.UserID) (map[im.UserID][]im.Property, error) {
	type owned struct {
		owner    im.UserID
		property im.Property
	}
	scan := func(r row) (owned, error) {
		var o owned
		err := r.Scan(&o.owner, &o.property.Type, &o.property.Value)
		o.property.Value = msnp.Unescape(o.property.Value)
		return o, err
	}
	all, err := collect(ctx, tx, scan, `SELECT owner, type, value FROM property WHERE `+where, id)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b owned) int {
		return propertyIndex(a.property.Type) - propertyIndex(b.property.Type)
	})
	byOwner := make(map[im.UserID][]im.Property)
	for _, o := range all {
		byOwner[o.owner] = append(byOwner[o.owner], o.property)
	}
	return byOwner, nil
}

// showsProperties reports whether somebody on these lists of the user shows him his properties:
// each has the other on his forward list. Whom somebody blocks has nothing to do with it, or the
// blocked could tell.
func showsProperties(lists im.List) bool {
	const mutual = im.Forward | im.Reverse
	return lists&mutual == mutual
}

// shared returns those of the properties that contacts see.
func shared(all []im.Property) (shown []im.Property) {
	for _, p := range all {
		if at := propertyIndex(p.Type); at >= 0 && properties[at].shared {
			shown = append(shown, p)
		}
	}
	return shown
}
