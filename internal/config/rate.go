package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rates says how often one person may do things.
type Rates struct {
	SignIns          Rate     `toml:"sign_ins"`
	Status           Rate     `toml:"status"`
	Names            Rate     `toml:"names"`
	Lists            Rate     `toml:"lists"`
	Commands         Rate     `toml:"commands"`
	Switchboards     Rate     `toml:"switchboards"`
	OpenSwitchboards int      `toml:"open_switchboards"`
	Calls            Rate     `toml:"calls"`
	FailedCalls      Rate     `toml:"failed_calls"`
	Messages         Rate     `toml:"messages"`
	FailedMessages   Rate     `toml:"failed_messages"`
	Invitations      Rate     `toml:"invitations"`
	Bytes            ByteRate `toml:"bytes"`
}

// defaultRates are those that no client of the time meets.
func defaultRates() Rates {
	return Rates{
		SignIns:          Rate{10, Duration(time.Minute)},
		Status:           Rate{30, Duration(30 * time.Second)},
		Names:            Rate{5, Duration(time.Minute)},
		Lists:            Rate{100, Duration(time.Minute)},
		Commands:         Rate{600, Duration(time.Minute)},
		Switchboards:     Rate{20, Duration(time.Minute)},
		OpenSwitchboards: 100,
		Calls:            Rate{30, Duration(time.Minute)},
		FailedCalls:      Rate{5, Duration(time.Minute)},
		Messages:         Rate{400, Duration(2 * time.Second)},
		FailedMessages:   Rate{50, Duration(10 * time.Second)},
		Invitations:      Rate{20, Duration(time.Minute)},
		Bytes:            ByteRate{1 << 20, Duration(4 * time.Second)},
	}
}

// Rate is how often something may happen, which the file writes as 30/30s: 30 times at once,
// and then 30 times in each 30 seconds. The zero value, "off", is no limit.
type Rate struct {
	Burst int
	Per   Duration
}

// UnmarshalText reads a rate.
func (r *Rate) UnmarshalText(text []byte) error {
	parsed, ok := parseRate(string(text), strconv.Atoi)
	if !ok {
		return fmt.Errorf("%q is no rate; write it like \"30/30s\": 30 at once and then 30 in each 30s, or \"off\"", text)
	}
	*r = parsed
	return nil
}

// String writes the rate as the file has it.
func (r Rate) String() string {
	if r.Burst == 0 {
		return off
	}
	return strconv.Itoa(r.Burst) + "/" + r.Per.String()
}

// ByteRate is a Rate of bytes, which the file writes as 1MiB/4s.
type ByteRate Rate

// UnmarshalText reads a rate of bytes.
func (r *ByteRate) UnmarshalText(text []byte) error {
	parsed, ok := parseRate(string(text), parseBytes)
	if !ok {
		return fmt.Errorf("%q is no rate of bytes; write it like \"1MiB/4s\" or \"64KiB/1s\", or \"off\"", text)
	}
	*r = ByteRate(parsed)
	return nil
}

// String writes the rate as the file has it.
func (r ByteRate) String() string {
	if r.Burst == 0 {
		return off
	}
	n, unit := r.Burst, ""
	for _, u := range byteUnits {
		if r.Burst%u.size == 0 {
			n, unit = r.Burst/u.size, u.name
			break
		}
	}
	return strconv.Itoa(n) + unit + "/" + r.Per.String()
}

const off = "off"

// parseRate reads a number and the time it is for.
func parseRate(text string, number func(string) (int, error)) (Rate, bool) {
	if text == off {
		return Rate{}, true
	}
	burst, per, _ := strings.Cut(text, "/")
	n, bad := number(burst)
	d, err := time.ParseDuration(per)
	return Rate{n, Duration(d)}, bad == nil && err == nil && n > 0 && d > 0
}

var byteUnits = []struct {
	name string
	size int
}{{"MiB", 1 << 20}, {"KiB", 1 << 10}}

// parseBytes reads a number of bytes, with a unit or without.
func parseBytes(text string) (int, error) {
	for _, u := range byteUnits {
		if count, ok := strings.CutSuffix(text, u.name); ok {
			n, err := strconv.ParseInt(count, 10, 20)
			return int(n) * u.size, err
		}
	}
	return strconv.Atoi(text)
}
