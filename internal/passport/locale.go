package passport

import (
	"strconv"
	"strings"
)

// defaultMarket is served to everybody whose own there is no document for.
const defaultMarket = "en-US"

// markets names the locales that clients of the time came in, by Windows LCID.
var markets = map[uint64]string{
	0x0401: "ar-SA", 0x0404: "zh-TW", 0x0405: "cs-CZ", 0x0406: "da-DK", 0x0407: "de-DE",
	0x0408: "el-GR", 0x0409: "en-US", 0x040A: "es-ES", 0x040B: "fi-FI", 0x040C: "fr-FR",
	0x040D: "he-IL", 0x040E: "hu-HU", 0x0410: "it-IT", 0x0411: "ja-JP", 0x0412: "ko-KR",
	0x0413: "nl-NL", 0x0414: "nb-NO", 0x0415: "pl-PL", 0x0416: "pt-BR", 0x0418: "ro-RO",
	0x0419: "ru-RU", 0x041B: "sk-SK", 0x041D: "sv-SE", 0x041E: "th-TH", 0x041F: "tr-TR",
	0x0424: "sl-SI", 0x0804: "zh-CN", 0x0807: "de-CH", 0x0809: "en-GB", 0x080A: "es-MX",
	0x080C: "fr-BE", 0x0813: "nl-BE", 0x0816: "pt-PT", 0x0C04: "zh-HK", 0x0C07: "de-AT",
	0x0C09: "en-AU", 0x0C0A: "es-ES", 0x0C0C: "fr-CA", 0x1004: "zh-SG", 0x1009: "en-CA",
	0x100C: "fr-CH", 0x1409: "en-NZ", 0x4009: "en-IN",
}

// market returns the market of the first of the LCIDs, in hex with or without 0x, that
// names one.
func market(lcids ...string) string {
	for _, text := range lcids {
		text = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "0x")
		if id, err := strconv.ParseUint(text, 16, 32); err == nil {
			if m, ok := markets[id]; ok {
				return m
			}
		}
	}
	return defaultMarket
}
