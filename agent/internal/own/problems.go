package own

import "github.com/loa-vn/loa/internal/problem"

// Refusals of a file.
var (
	ErrBusy = problem.New("OWN_BUSY", 409,
		"Máy đang xử lý một tệp khác. Hãy chờ xong rồi thử lại.",
		"Another file is being made ready. Wait until it is done, then try again.")
	ErrTooLarge = problem.New("OWN_TOO_LARGE", 413,
		"Tệp lớn hơn 200 MB. Hãy lưu lại thành MP3 hoặc cắt ngắn.",
		"The file is larger than 200 MB. Save it as MP3, or make it shorter.").At("audio")
	errTooLong = problem.New("OWN_TOO_LONG", 422,
		"Bài của xã dài tối đa 10 phút. Hãy cắt ngắn; bài dài hơn thì gửi trung tâm.",
		"The commune's own item has at most 10 minutes. Make it shorter, or send a longer one to the hub.").At("audio")
	errTooShort = problem.New("OWN_TOO_SHORT", 422,
		"Tệp này không có tiếng, hoặc ngắn hơn 1 giây. Hãy nghe thử rồi chọn lại.",
		"There is no sound in this file, or less than a second of it. Listen to it and choose again.").At("audio")
	errFormat = problem.New("OWN_FORMAT", 422,
		"Không đọc được tệp này như một tệp âm thanh. Hãy nghe thử rồi chọn lại.",
		"This file cannot be read as sound. Listen to it and choose again.").At("audio")
	errNoFFmpeg = problem.New("OWN_NEEDS_FFMPEG", 422,
		"Máy này chưa có ffmpeg nên chỉ đọc được WAV và Ogg Opus một kênh. Hãy lưu tệp thành WAV, hoặc nhờ người cài máy cài ffmpeg.",
		"This PC has no ffmpeg, so that it reads only WAV, and Ogg Opus with one channel. Save the file as WAV, or have ffmpeg installed.").At("audio")
	errLevel = problem.New("OWN_LEVEL", 422,
		"Không đưa được tệp này về âm lượng chuẩn. Hãy ghi lại, không để quá nhỏ hay vỡ tiếng.",
		"This file cannot be brought to the usual level. Record it again, neither too soft nor overdriven.").At("audio")
	errGone = problem.New("OWN_GONE", 410,
		"Âm thanh của mục này không còn trên máy. Hãy chọn lại tệp.",
		"The audio of this item is not on this PC any more. Choose the file again.")
)
