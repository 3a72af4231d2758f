// What moves on the page: clock, position and level four times a second, everything else every few seconds or as soon as another
// item sounds. Without it the page works as well and loads itself anew.
(function () {
  'use strict';
  var print = document.getElementById('print');
  if (print) {
    print.hidden = false;
    print.addEventListener('click', function () { window.print(); });
  }
  var main = document.getElementById('main');
  if (!main) return;
  var lost = document.getElementById('lost');
  var every = Number(main.dataset.every) * 1000;
  var shown = main.innerHTML;
  var answered = Date.now();
  var asking = false;
  var loading = false;
  var held = 0; // until when nothing is replaced: a button that goes away under a finger hears no click

  function hold(ms) {
    return function () { held = performance.now() + ms; };
  }

  function put(id, text) {
    var e = document.getElementById(id);
    if (e && e.textContent !== text) e.textContent = text;
  }

  function set(id, value) {
    var e = document.getElementById(id);
    if (e) e.value = value;
  }

  function minutes(s) {
    return Math.floor(s / 60) + ':' + String(s % 60).padStart(2, '0');
  }

  function hear() {
    answered = Date.now();
    if (lost) lost.hidden = true;
  }

  function ask(path, take) {
    return fetch(path, { cache: 'no-store', credentials: 'same-origin' }).then(function (res) {
      if (!res.ok) throw new Error(String(res.status));
      return take(res);
    });
  }

  function move() {
    var playing = document.getElementById('playing');
    if (!playing || asking || document.hidden) return;
    asking = true;
    ask('/api/v1/live', function (res) { return res.json(); }).then(function (l) {
      hear();
      put('clock', l.clock);
      put('dbfs', String(l.level_dbfs));
      set('level', l.level_dbfs);
      set('position', l.seconds);
      put('seconds', minutes(l.seconds));
      if ((l.playing || '') !== playing.dataset.slot) load();
    }).catch(function () {
      if (lost && Date.now() - answered > 3000) lost.hidden = false;
    }).finally(function () { asking = false; });
  }

  // load takes the page anew, and leaves it alone where nothing is another, or somebody types or presses.
  function load() {
    if (loading || document.hidden) return;
    loading = true;
    ask(location.href, function (res) { return res.text(); }).then(function (text) {
      hear();
      var focus = document.activeElement;
      var fresh = new DOMParser().parseFromString(text, 'text/html').getElementById('main');
      if (!fresh) { location.reload(); return; }
      if (performance.now() < held || fresh.innerHTML === shown || (focus && focus.tagName === 'INPUT')) return;
      shown = fresh.innerHTML;
      main.replaceChildren.apply(main, Array.from(fresh.childNodes));
      var again = focus && focus.id && document.getElementById(focus.id);
      if (again) again.focus();
    }).catch(function () {
      if (lost && Date.now() - answered > 3000) lost.hidden = false;
    }).finally(function () { loading = false; });
  }

  document.addEventListener('pointerdown', hold(10000)); // longer nobody presses
  document.addEventListener('pointerup', hold(500)); // the click comes after it
  document.addEventListener('pointercancel', hold(0));
  setInterval(move, 250);
  setInterval(load, every);
  document.addEventListener('visibilitychange', function () { answered = Date.now(); move(); load(); });
})();
