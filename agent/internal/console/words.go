package console

func vietnamese() map[string]string {
	return map[string]string{
		"title": "Cụm loa", "language": "English", "clock": "Đồng hồ", "card": "Cạc âm thanh", "line": "Đường truyền", "cache": "Bộ nhớ",
		"plan": "Kế hoạch phát", "now": "Đang phát", "next": "Tiếp theo", "nothing": "Không phát gì", "today": "Hôm nay",
		"time": "Giờ", "what": "Nội dung", "result": "Kết quả", "connected": "đã kết nối", "disconnected": "mất kết nối",
		"unpaired": "Cụm loa này chưa được ghép với máy chủ.", "how": "Trên máy này chạy:",
		"noplan": "Chưa có kế hoạch phát.", "until": "đến", "version": "bản", "free": "ổ đĩa còn trống", "used": "đã dùng",
		"missing_files": "tệp chưa có", "armed": "đã sẵn sàng đến", "outbox": "Nhật ký chờ gửi", "empty": "Hôm nay không có mục nào.",
		"synced": "đúng giờ máy chủ", "plausible": "theo đồng hồ phần cứng", "untrusted": "không tin được: không phát theo lịch",
		"ok": "tốt", "missing": "không có", "stalled": "bị treo", "starting": "đang khởi động", "fetching": "đang tải", "full": "hết chỗ",
		"damaged": "hỏng", "unknown": "không rõ", "played": "đã phát", "cut": "bị cắt", "skipped": "bỏ qua", "planned": "sẽ phát",
		"playing": "đang phát", "complete": "trọn vẹn", "joined": "vào giữa chừng", "late_whole": "phát muộn, trọn vẹn",
		"resumed": "bị ngắt rồi phát tiếp", "late": "quá muộn", "collision": "trùng giờ mục khác", "daypart_full": "hết giờ trong buổi phát",
		"no_daypart": "ngày này không có buổi phát đó", "quiet_hours": "ngoài giờ được phát", "dayparts_per_day": "quá số buổi phát trong ngày",
		"reserved": "giờ tiếp âm nguồn khác", "not_valid": "tin chưa hoặc hết hiệu lực", "withdrawn": "tin đã thu hồi",
		"commune_skipped": "xã bỏ qua", "stopped": "người vận hành dừng", "muted": "xã tắt tiếng", "urgent": "nhường tin khẩn",
		"superseded": "lần lặp sau thay thế", "cancelled": "đã hủy", "plan_ended": "hết kế hoạch phát", "clock_untrusted": "không rõ giờ",
		"agent_off": "máy tắt", "power": "mất điện", "audio_missing": "chưa có âm thanh", "audio_damaged": "âm thanh hỏng",
		"card_missing": "không có cạc âm thanh", "amplifier": "Tăng âm", "on": "đang bật", "off": "đang tắt",
		"failing": "lệnh bật tắt tăng âm bị lỗi: kiểm tra rồi bật tắt bằng tay",
	}
}

func english() map[string]string {
	return map[string]string{
		"title": "Loudspeaker", "language": "Tiếng Việt", "clock": "Clock", "card": "Sound card", "line": "Line", "cache": "Cache",
		"plan": "Plan", "now": "Now playing", "next": "Next", "nothing": "Nothing", "today": "Today", "time": "Time", "what": "What",
		"result": "Result", "connected": "connected", "disconnected": "not connected",
		"unpaired": "This agent is not paired with a hub.", "how": "On this machine run:", "noplan": "No plan yet.", "until": "until",
		"version": "version", "free": "free on the disk", "used": "used", "missing_files": "files missing", "armed": "ready until",
		"outbox": "Play records to be sent", "empty": "Nothing today.", "synced": "the hub's time", "plausible": "by the hardware clock",
		"untrusted": "not trusted: nothing scheduled plays", "ok": "good", "missing": "missing", "stalled": "stalled",
		"starting": "starting", "fetching": "fetching", "full": "full", "damaged": "damaged", "unknown": "unknown", "played": "played",
		"cut": "cut", "skipped": "skipped", "planned": "planned", "playing": "playing", "complete": "whole", "joined": "joined in the middle",
		"late_whole": "late, whole", "resumed": "interrupted and resumed", "late": "too late", "collision": "another item has that time",
		"daypart_full": "no time left in its daypart", "no_daypart": "no such daypart that day", "quiet_hours": "outside the allowed hours",
		"dayparts_per_day": "more dayparts than allowed", "reserved": "another source speaks then", "not_valid": "the report is not valid then",
		"withdrawn": "the report was withdrawn", "commune_skipped": "skipped by the commune", "stopped": "stopped by the operator",
		"muted": "muted by the commune", "urgent": "an urgent bulletin took its time", "superseded": "a later repetition took its place",
		"cancelled": "cancelled", "plan_ended": "the plan ran out", "clock_untrusted": "the time was not known", "agent_off": "the agent was off",
		"power": "power cut", "audio_missing": "the audio was not here", "audio_damaged": "the audio was damaged",
		"card_missing": "no sound card", "amplifier": "Amplifier", "on": "on", "off": "off",
		"failing": "the command that switches the amplifier fails: look at it and switch by hand",
	}
}
