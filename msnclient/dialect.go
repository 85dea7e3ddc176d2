package msnclient

import "monarch/msnp"

// spoken lists the versions the client speaks, best first.
var spoken = []msnp.Version{msnp.MSNP9, msnp.MSNP8}

// offer returns the words of VER: what the client speaks up to the given version.
func offer(highest msnp.Version) []string {
	var words []string
	for _, v := range spoken {
		if v <= highest {
			words = append(words, v.String())
		}
	}
	return words
}

// offered reports whether the client may speak a version that a server chose.
func offered(v, highest msnp.Version) bool { return v >= msnp.MSNP8 && v <= min(highest, msnp.MSNP9) }

// hasObjects reports whether CHG carries a display picture and chats emoticons.
func hasObjects(v msnp.Version) bool { return v >= msnp.MSNP9 }
