package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"time"
)

// packed is the time of every file in an archive. The time of the build would make
// other bytes in each build, and zip knows no time before 1980.
var packed = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// pack writes an archive of one folder: a zip for Windows, else a tar.gz.
func pack(to, folder, goos string, files []file) error {
	var b bytes.Buffer
	if goos == "windows" {
		to += ".zip"
		if err := zipped(&b, folder, files); err != nil {
			return err
		}
	} else {
		to += ".tar.gz"
		if err := tarred(&b, folder, files); err != nil {
			return err
		}
	}
	return os.WriteFile(to, b.Bytes(), 0o644)
}

func tarred(b *bytes.Buffer, folder string, files []file) error {
	gz, err := gzip.NewWriterLevel(b, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(gz)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: folder + "/" + f.name, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: packed, Format: tar.FormatUSTAR}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := tw.Write(f.data); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return gz.Close()
}

func zipped(b *bytes.Buffer, folder string, files []file) error {
	zw := zip.NewWriter(b)
	for _, f := range files {
		h := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: packed}
		h.SetMode(f.mode)
		w, err := zw.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			return err
		}
	}
	return zw.Close()
}
