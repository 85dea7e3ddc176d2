package bot_test

import (
	"bytes"
	"image/png"
	"testing"

	"monarch/internal/bot"
)

func TestThePictureFitsMessenger(t *testing.T) {
	data, err := bot.Picture()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); size.X != 96 || size.Y != 96 || len(data) > 20_000 {
		t.Errorf("%v pixels, %d bytes", size, len(data))
	}
	again, err := bot.Picture()
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("another picture the second time: %v", err)
	}
}
