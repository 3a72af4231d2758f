package api

import (
	"mime"
	"mime/multipart"
	"slices"
	"strings"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

var errFileName = problem.New("FILE_NAME", 422,
	"Tên tệp có đường dẫn hoặc ký tự ẩn, có thể để che tên thật. Hãy đổi tên tệp rồi tải lên lại.",
	"The file's name holds a path or hidden characters, which may hide its true name. Rename the file and upload it again.").At("audio")

// checkFileName refuses a name that was made to mislead: "báo‮3pm.exe" shows as "báoexe.mp3". It looks at the name as it
// was sent; old browsers send a file's whole path, which is harmless.
func checkFileName(name string) error {
	if !broadcast.PlainLine(name) || slices.Contains(strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' }), "..") {
		return errFileName
	}
	return nil
}

// sentName is a part's file name as it was sent, where part.FileName keeps only its last element.
func sentName(part *multipart.Part) (string, error) {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return "", errMultipart.With(err)
	}
	return params["filename"], nil
}
