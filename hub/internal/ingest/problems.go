package ingest

import (
	"net/http"

	"github.com/loa-vn/loa/internal/problem"
)

const (
	unprocessable = http.StatusUnprocessableEntity
	unsupported   = http.StatusUnsupportedMediaType
)

// Refusals of an upload. Values are never changed.
var (
	ErrTooLarge = problem.New("AUDIO_TOO_LARGE", http.StatusRequestEntityTooLarge,
		"Tệp lớn hơn mức cho phép. Hãy xuất lại ở dạng MP3 hoặc M4A, hoặc chia thành nhiều phần rồi tải lên.",
		"The file is larger than allowed. Export it as MP3 or M4A, or split it into parts, and upload again.")
	ErrEmpty = problem.New("AUDIO_EMPTY", unprocessable,
		"Tệp rỗng, không có dữ liệu nào. Hãy kiểm tra tệp trên máy rồi tải lên lại.",
		"The file is empty. Check it on your computer and upload it again.")
	ErrUploadCut = problem.New("UPLOAD_CUT", http.StatusBadRequest,
		"Đường truyền bị ngắt trước khi tải xong tệp. Hãy tải lên lại.",
		"The connection ended before the whole file arrived. Upload it again.")
	ErrUnreadable = problem.New("AUDIO_UNREADABLE", unprocessable,
		"Không đọc được âm thanh vì tệp bị hỏng. Hãy nghe thử trên máy, xuất lại rồi tải lên.",
		"The sound cannot be read because the file is damaged. Play it on your computer, export it again and upload that.")
	ErrNotAudio = problem.New("AUDIO_NOT_AUDIO", unsupported,
		"Tệp này không phải là tệp âm thanh, dù tên có thể giống. Hãy chọn tệp MP3, WAV, M4A, FLAC, OGG, WMA hoặc video có tiếng.",
		"This is not a sound file, whatever its name says. Choose an MP3, WAV, M4A, FLAC, OGG, WMA file or a video with sound.")
	ErrNoSound = problem.New("AUDIO_NO_SOUND", unprocessable,
		"Video này không có phần tiếng. Hãy xuất lại video kèm âm thanh hoặc tải lên riêng tệp âm thanh.",
		"This video has no sound track. Export it with sound, or upload the sound as a file of its own.")
	ErrSilent = problem.New("AUDIO_SILENT", unprocessable,
		"Tệp chỉ có im lặng. Hãy kiểm tra micrô và kênh thu, thu lại rồi tải lên.",
		"There is only silence in the file. Check the microphone and the recorded channel, record again and upload.")
	ErrTooShort = problem.New("AUDIO_TOO_SHORT", unprocessable,
		"Phần có tiếng ngắn hơn nửa giây. Hãy kiểm tra xem đã chọn đúng tệp chưa rồi tải lên lại.",
		"Less than half a second of sound is left. Check that it is the right file and upload again.")
	ErrTooLong = problem.New("AUDIO_TOO_LONG", unprocessable,
		"Âm thanh dài hơn mức cho phép. Hãy cắt thành nhiều phần ngắn hơn rồi tải lên từng phần.",
		"The sound is longer than allowed. Cut it into shorter parts and upload each.")
	ErrTruncated = problem.New("AUDIO_TRUNCATED", unprocessable,
		"Tệp bị thiếu phần cuối: âm thanh ngắn hơn độ dài ghi trong tệp. Hãy chép hoặc xuất lại tệp đầy đủ rồi tải lên.",
		"The end of the file is missing: there is less sound than it says. Copy or export the whole file and upload it again.")
	ErrPlaylist = problem.New("AUDIO_PLAYLIST", unsupported,
		"Đây là danh sách phát, chỉ chứa địa chỉ chứ không có âm thanh. Hãy tải tệp âm thanh về rồi tải lên tệp đó.",
		"This is a playlist: it names sounds but holds none. Get the sound file itself and upload that.")
	ErrTimeout = problem.New("AUDIO_TIMEOUT", unprocessable,
		"Xử lý tệp quá lâu nên đã dừng. Hãy xuất lại ở dạng MP3 hoặc WAV rồi tải lên; nếu vẫn vậy, báo quản trị viên.",
		"Processing took too long and was stopped. Export the file as MP3 or WAV and upload again; if it happens again, tell the administrator.")
)

// Refusals for which the hub, not the file, is the reason.
var (
	ErrBusy = problem.New("INGEST_BUSY", http.StatusServiceUnavailable,
		"Đang có quá nhiều tệp chờ xử lý. Hãy thử lại sau vài phút.",
		"Too many files are waiting to be processed. Try again in a few minutes.")
	ErrReportBusy = problem.New("REPORT_BUSY", http.StatusConflict,
		"Âm thanh của phóng sự này đang được xử lý. Hãy chờ xong rồi làm lại.",
		"The audio of this report is being processed. Wait until that is done, then do it again.")
	ErrDiskFull = problem.New("INGEST_DISK_FULL", http.StatusInsufficientStorage,
		"Máy chủ hết chỗ trống trên đĩa. Hãy báo quản trị viên giải phóng đĩa, rồi tải lên lại.",
		"The server's disk is full. Ask the administrator to make room, then upload again.")
	ErrNoTool = problem.New("INGEST_NO_FFMPEG", http.StatusInternalServerError,
		"Máy chủ chưa cài ffmpeg nên không xử lý được âm thanh. Hãy báo quản trị viên cài ffmpeg, rồi tải lên lại.",
		"The server cannot process sound because ffmpeg is not installed. Ask the administrator to install it, then upload again.")
	ErrInternal = problem.New("INGEST_FAILED", http.StatusInternalServerError,
		"Máy chủ không xử lý được tệp này. Hãy tải lên lại; nếu vẫn vậy, báo quản trị viên.",
		"The server could not process this file. Upload it again; if it happens again, tell the administrator.")
)

// Codes of Result.Warnings.
const (
	WarnClipped   = "SOURCE_CLIPPED"   // overdriven recording
	WarnDamaged   = "SOURCE_DAMAGED"   // decoded with errors, at full length
	WarnQuiet     = "SOURCE_QUIET"     // raised by more than 20 dB
	WarnCancelled = "PHASE_CANCELLED"  // left and right erased each other; the louder one was taken
	WarnNoEnd     = "SOURCE_NO_END"    // an Ogg file without its end mark: perhaps cut
	WarnLevel     = "LEVEL_NOT_EXACT"  // loudness more than 0.5 LU off the target after the last try
	WarnPeak      = "PEAK_NOT_REACHED" // true peak above the limit after the last try
)

// Warning gives what a person reads for a code of Result.Warnings.
func Warning(code string) *problem.Error {
	switch code {
	case WarnClipped:
		return problem.New(code, 0, "Bản thu bị quá mức, tiếng có thể rè. Hãy nghe thử; nếu rè, thu lại với mức thấp hơn.",
			"The recording is overdriven and may sound harsh. Listen to it; if it does, record again at a lower level.")
	case WarnDamaged:
		return problem.New(code, 0, "Tệp có vài chỗ hỏng. Hãy nghe hết bản này trước khi duyệt.",
			"The file is damaged in places. Listen to all of it before approving.")
	case WarnQuiet:
		return problem.New(code, 0, "Bản thu rất nhỏ nên đã được tăng nhiều, tiếng ồn cũng tăng theo. Hãy nghe thử trước khi duyệt.",
			"The recording is very quiet and was raised a lot, its noise too. Listen to it before approving.")
	case WarnCancelled:
		return problem.New(code, 0, "Kênh trái và phải ngược pha; chỉ lấy kênh to hơn. Hãy nghe thử trước khi duyệt.",
			"Left and right cancel each other; only the louder one was taken. Listen to it before approving.")
	case WarnNoEnd:
		return problem.New(code, 0, "Tệp không có dấu kết thúc, có thể bị thiếu phần cuối. Hãy nghe phần cuối trước khi duyệt.",
			"The file has no end mark; its end may be missing. Listen to the end before approving.")
	case WarnLevel:
		return problem.New(code, 0, "Không đạt đúng độ to chuẩn. Hãy nghe thử trước khi duyệt.",
			"The standard loudness was not quite reached. Listen to it before approving.")
	case WarnPeak:
		return problem.New(code, 0, "Đỉnh âm thanh cao hơn chuẩn. Hãy nghe thử trước khi duyệt.",
			"The peaks are above the standard. Listen to it before approving.")
	}
	return problem.New(code, 0, "Hãy nghe thử trước khi duyệt.", "Listen to it before approving.")
}
