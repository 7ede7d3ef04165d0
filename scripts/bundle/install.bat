@echo off
rem Installs from this folder, without a network: install.bat [FOLDER]
py -@PYTHON@ "%~dp0install.py" %*
if errorlevel 1 echo If Python @PYTHON@ is missing: get it from python.org, with its launcher "py".
pause
