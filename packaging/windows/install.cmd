@echo off
rem Installs loa-agent as a service of this PC and opens its page. Asks for the administrator's rights.
chcp 65001 >nul
net session >nul 2>&1
if errorlevel 1 (
  powershell -NoProfile -Command "Start-Process -FilePath '%~f0' -Verb RunAs"
  exit /b
)
"%~dp0loa-agent.exe" service install
if errorlevel 1 (
  pause
  exit /b 1
)
start "" http://127.0.0.1:8090
pause
