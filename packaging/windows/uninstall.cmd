@echo off
rem Removes the service. Its data and settings stay, unless you answer yes. Asks for the administrator's rights.
chcp 65001 >nul
net session >nul 2>&1
if errorlevel 1 (
  powershell -NoProfile -Command "Start-Process -FilePath '%~f0' -Verb RunAs"
  exit /b
)
set answer=
set /p answer=Xóa cả khóa, âm thanh và nhật ký của máy này? / Remove its key, audio and records too? [y/N] 
if /i "%answer%"=="y" (
  "%~dp0loa-agent.exe" service uninstall --purge
) else (
  "%~dp0loa-agent.exe" service uninstall
)
pause
