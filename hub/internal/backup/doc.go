// Package backup copies what a hub keeps into one stream, and back. It takes the database, the blobs and the files of
// the data folder that cannot be made again (keys, trust documents); a hub may serve meanwhile: the database is copied
// as it is at one moment, and a blob never changes.
//
// The stream is a tar file: loa-backup.json (what it is), hub.db, data/NAME for each file, blobs/SHA-256 for each blob,
// and end.json, which tells a whole stream from one that is cut off or was changed. It is no secret-keeping format:
// whoever has it has the hub's keys.
package backup

import (
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

const (
	format = 1

	startName = "loa-backup.json"
	endName   = "end.json"
	dbName    = "hub.db"
	filesDir  = "data/"
	blobsDir  = "blobs/"

	maxText = 64 << 10 // bytes of startName and endName
	maxFile = 1 << 20  // bytes of a file of the data folder
)

// start is the first file of a stream.
type start struct {
	Format   int       `json:"format"`
	MadeAt   time.Time `json:"made_at"`
	Software string    `json:"software"`
}

// end is the last file. SHA256 is that of a line for each file before it: its name, its size and the SHA-256 of its
// content, separated by spaces, with a newline.
type end struct {
	Files  int    `json:"files"`
	SHA256 string `json:"sha256"`
}

// Summary says what a stream holds.
type Summary struct {
	MadeAt   time.Time
	Software string
	Files    int // of the data folder
	Blobs    int
	Bytes    int64            // of all contents
	Damaged  []broadcast.Hash // blobs that were damaged before the backup; a restore leaves them out
}

// How far a restore raises the numbers of plans and orders: 10,000, and one more for each 5 s of the backup's age, so that
// the same backup restored once more is above what came of it the first time. Agents take at most 1,000,000 at once
// (seal.MaxJump); a backup of 50 days comes close.
const (
	riseLeast = 10_000
	riseEvery = 5 * time.Second
	riseMost  = 900_000
)

// Rise is by how much numbers must rise in a backup that is restored now, to be above all that agents have seen.
func (s Summary) Rise(now time.Time) int {
	return riseLeast + int(min(max(now.Sub(s.MadeAt)/riseEvery, 0), riseMost-riseLeast))
}

// Refusals.
var (
	ErrDamaged = problem.New("BACKUP_DAMAGED", 422,
		"Bản sao lưu này bị hỏng, bị cắt cụt hoặc không phải của loa-hub. Chưa có gì được khôi phục; hãy dùng một bản sao lưu khác.",
		"This backup is damaged, cut off, or not one of loa-hub. Nothing was restored; use another one.")
	ErrNewer = problem.New("BACKUP_NEWER", 422,
		"Bản sao lưu này do một bản loa-hub mới hơn tạo ra. Hãy cài bản đó hoặc mới hơn rồi khôi phục lại.",
		"This backup was made by a newer loa-hub. Install that version or a later one, then restore again.")
)
