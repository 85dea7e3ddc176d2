package tui

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// flag is a picture of a red upper and a blue lower half.
func flag96(t *testing.T) *image.NRGBA {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 96, 96))
	for y := range 96 {
		for x := range 96 {
			c := color.NRGBA{R: 255, A: 255}
			if y >= 48 {
				c = color.NRGBA{B: 255, A: 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func TestPicturesOfEachKind(t *testing.T) {
	for kind, encode := range map[string]func(*bytes.Buffer, image.Image) error{
		".png": func(b *bytes.Buffer, i image.Image) error { return png.Encode(b, i) },
		".jpg": func(b *bytes.Buffer, i image.Image) error { return jpeg.Encode(b, i, nil) },
		".gif": func(b *bytes.Buffer, i image.Image) error { return gif.Encode(b, i, nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b, flag96(t)); err != nil {
			t.Fatal(err)
		}
		img, err := decode(b.Bytes())
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if got := extension(b.Bytes()); got != kind {
			t.Errorf("a picture of kind %s is called %s", kind, got)
		}
		lines := blocks(img, 20, 20)
		if len(lines) != 10 {
			t.Errorf("%s: %d lines", kind, len(lines))
		}
		for _, l := range lines {
			if ansi.Strip(l) != strings.Repeat("▀", 20) {
				t.Errorf("%s: %q", kind, l)
			}
		}
	}
}

func TestBlocksHaveTheColours(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 3))
	img.SetNRGBA(0, 0, color.NRGBA{1, 2, 3, 255})
	img.SetNRGBA(0, 1, color.NRGBA{4, 5, 6, 255})
	img.SetNRGBA(1, 1, color.NRGBA{7, 8, 9, 255})
	img.SetNRGBA(0, 2, color.NRGBA{10, 11, 12, 255})
	want := []string{
		"\x1b[38;2;1;2;3m\x1b[48;2;4;5;6m▀\x1b[m\x1b[38;2;7;8;9m▄\x1b[m",
		"\x1b[38;2;10;11;12m▀\x1b[m ",
	}
	if got := blocks(img, 10, 10); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPicturesThatAreNotDecoded(t *testing.T) {
	var huge bytes.Buffer
	if err := png.Encode(&huge, image.NewGray(image.Rect(0, 0, 4096, 4096))); err != nil {
		t.Fatal(err)
	}
	var half bytes.Buffer
	if err := png.Encode(&half, flag96(t)); err != nil {
		t.Fatal(err)
	}
	half.Truncate(half.Len() / 2)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"text":                 {[]byte("hello"), "no PNG, JPEG or GIF"},
		"nothing":              {nil, "no PNG, JPEG or GIF"},
		"too many pixels":      {huge.Bytes(), "4096 by 4096 pixels"},
		"too many bytes":       {make([]byte, maxPictureBytes+1), "at most 1.0 MB"},
		"one that is cut off":  {half.Bytes(), "no PNG, JPEG or GIF"},
		"a header and no more": {huge.Bytes()[:24], "no PNG, JPEG or GIF"},
	} {
		if _, err := decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestOwnPictureIsMadeFit(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 150)), nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "me.jpg")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	data, err := readPicture(path)
	if err != nil {
		t.Fatal(err)
	}
	made, err := asDisplayPicture(data)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(made))
	if err != nil || img.Bounds() != image.Rect(0, 0, 96, 48) {
		t.Errorf("%v, %v", img.Bounds(), err)
	}
}
