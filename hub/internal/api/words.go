package api

// said gives the words of what is a code elsewhere: tables are read by people. The pages have the same words; a test
// compares them. What has no words is said as it is.
func said(of, code string, en bool) string {
	w, ok := words()[of][code]
	switch {
	case !ok:
		return code
	case en:
		return w.en
	}
	return w.vi
}

type word struct{ vi, en string }

func words() map[string]map[string]word {
	return map[string]map[string]word{
		"outcome": {
			"played":  {"Đã phát", "Played"},
			"cut":     {"Phát dở", "Cut short"},
			"skipped": {"Không phát", "Not played"},
		},
		"class": {
			"normal":   {"Thông thường", "Normal"},
			"priority": {"Ưu tiên", "Priority"},
			"urgent":   {"Khẩn cấp", "Urgent"},
		},
		"reason": {
			"complete":         {"phát trọn", "played whole"},
			"joined":           {"phát tiếp giữa chừng do trễ", "joined late"},
			"late_whole":       {"phát trọn, trễ trong mức cho phép", "played whole, a little late"},
			"resumed":          {"phát tiếp sau khi bị chen ngang", "resumed after an interruption"},
			"late":             {"đã quá trễ", "too late"},
			"collision":        {"trùng giờ với lịch khác", "another broadcast has that time"},
			"daypart_full":     {"buổi phát không còn đủ chỗ", "no room left in the daypart"},
			"no_daypart":       {"địa bàn không có buổi phát này vào ngày đó", "the area has no such daypart that day"},
			"quiet_hours":      {"ngoài khung giờ cho phép", "outside the allowed hours"},
			"dayparts_per_day": {"vượt số buổi phát một ngày", "more dayparts than a day may have"},
			"reserved":         {"nguồn khác đang tiếp âm", "another source is relayed then"},
			"not_valid":        {"phóng sự chưa hoặc không còn giá trị", "the report is not valid then"},
			"withdrawn":        {"phóng sự đã thu hồi", "the report was withdrawn"},
			"commune_skipped":  {"xã bỏ qua", "skipped by the commune"},
			"stopped":          {"cán bộ đài bấm dừng", "stopped by the operator"},
			"muted":            {"xã đang tắt tiếng", "muted by the commune"},
			"urgent":           {"bản tin khẩn cấp chen ngang", "an urgent bulletin took its time"},
			"superseded":       {"lần lặp sau thay thế", "a later repetition took its place"},
			"cancelled":        {"lịch phát đã hủy", "cancelled"},
			"plan_ended":       {"kế hoạch phát hết hạn", "the plan ended"},
			"clock_untrusted":  {"đồng hồ không tin được", "the clock could not be trusted"},
			"agent_off":        {"máy ở cụm loa không chạy", "the PC was off"},
			"power":            {"mất điện hoặc máy dừng đột ngột", "power cut or crash"},
			"audio_missing":    {"âm thanh chưa về đến nơi", "the audio had not arrived"},
			"audio_damaged":    {"âm thanh bị hỏng", "the audio was damaged"},
			"card_missing":     {"không có cạc âm thanh", "no sound card"},
			"unknown":          {"chưa rõ", "not known"},
		},
		"by": {
			"month":     {"Tháng", "Month"},
			"area":      {"Địa bàn", "Area"},
			"series":    {"Chuyên mục", "Series"},
			"law_field": {"Lĩnh vực", "Legal field"},
			"language":  {"Tiếng", "Language"},
			"report":    {"Phóng sự", "Report"},
			"class":     {"Loại bản tin", "Class"},
			"reason":    {"Lý do", "Reason"},
			"total":     {"Tổng cộng", "Total"},
		},
		"shown": {"": {"(chưa ghi)", "(not given)"}},
	}
}
