"use strict";
/* The points of the page: numbers and levels as typed arrays over one buffer, and what they are as text. */

const Columns = (() => {
  const ARRAYS = { f4: Float32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  const MISSING = { u1: 0xff, u2: 0xffff, u4: 0xffffffff };

  function bytesOf(base64) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  const array = (buffer, place, n) => new ARRAYS[place.type](buffer, place.at, n);

  function column(buffer, about, n) {
    const values = array(buffer, about, n);
    return { name: about.name, kind: about.kind || "levels", values, levels: about.levels, among: about.among, missing: MISSING[about.type] };
  }

  /* Differences from the ratings, where a point has both. */
  function errors(map, ratings, n) {
    const found = { activation: new Float32Array(n), valence: new Float32Array(n), distance: new Float32Array(n) };
    for (let i = 0; i < n; i++) {
      found.activation[i] = map.activation[i] - ratings.activation[i];
      found.valence[i] = map.valence[i] - ratings.valence[i];
      found.distance[i] = Math.hypot(found.activation[i], found.valence[i]);
    }
    return found;
  }

  /* What flags make of each point of a map: 0 nothing, 1 flagged, 2 its place says nothing of affect. */
  function states(flags, n) {
    const found = new Uint8Array(n);
    if (!flags) return found;
    const ofLevels = flags.levels.map((level) => (level === "none" ? 0 : Flags.silence(level.split(", ")) ? 2 : 1));
    for (let i = 0; i < n; i++) if (flags.values[i] !== flags.missing) found[i] = ofLevels[flags.values[i]];
    return found;
  }

  const toldInWords = (flags) => flags && { ...flags, levels: flags.levels.map(Flags.inWords) };

  /* The flags of a point on a map in words; empty where it has none. */
  const flagged = (map, i) => (map.states?.[i] ? text(map.flags, i) : "");

  /* Reads what the page was given: its JSON, and the buffer of its columns. */
  function read(about, buffer) {
    const { n } = about;
    const ratings = {};
    for (const label of ["activation", "valence"]) ratings[label] = array(buffer, about.ratings[label], n);
    const maps = about.maps.map((each) => {
      const map = {
        name: each.name,
        how: each.how,
        activation: array(buffer, each.activation, n),
        valence: array(buffer, each.valence, n),
        classes: each.classes ? column(buffer, { ...each.classes, name: "predicted class" }, n) : null,
        flags: each.flags ? column(buffer, { ...each.flags, name: "flags" }, n) : null,
        isRatings: each.name === "ratings",
      };
      map.errors = map.isRatings ? null : errors(map, ratings, n);
      map.states = states(map.flags, n);
      map.flags = toldInWords(map.flags);
      // What holds no affect has no class.
      if (map.classes) map.states.forEach((state, i) => state === 2 && (map.classes.values[i] = map.classes.missing));
      map.missing = 0;
      for (let i = 0; i < n; i++) if (!hasPlace(map, i)) map.missing++;
      return map;
    });
    const facts = about.facts.map((each) => column(buffer, each, n)).map((each) => (each.name === "flags" && each.levels ? toldInWords(each) : each));
    const data = { n, about, names: about.names, ratings, maps, facts };
    data.fact = (name) => facts.find((each) => each.name === name);
    data.outlines = about.outlines ? array(buffer, about.outlines, n * about.bars) : null;
    data.sounds = about.sounds ? array(buffer, about.sounds, n) : null;
    data.hasRatings = maps.some((map) => map.isRatings);
    return data;
  }

  function hasPlace(map, i) {
    return map.activation[i] === map.activation[i] && map.valence[i] === map.valence[i];
  }

  const number = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

  /* A value of a column as text; empty where there is none. */
  function text(one, i) {
    const value = one.values[i];
    if (one.kind !== "number") return value === one.missing ? "" : one.levels[value];
    if (value !== value) return "";
    return Number.isInteger(value) ? String(value) : number(value, Math.abs(value) < 10 ? 2 : 1);
  }

  /* The last part of a file's name. */
  const shortName = (data, i) => data.names[i].slice(data.names[i].lastIndexOf("/") + 1);

  /* All texts of a point in lower case, for searching; made when first needed. */
  function searchable(data) {
    if (!data.searched) {
      const columns = data.facts.filter((each) => each.kind !== "number");
      const levels = columns.map((each) => each.levels.map((level) => level.toLowerCase()));
      data.searched = data.names.map((name, i) => {
        let all = name.toLowerCase();
        columns.forEach((each, k) => {
          if (each.values[i] !== each.missing) all += "\n" + levels[k][each.values[i]];
        });
        return all;
      });
    }
    return data.searched;
  }

  return { bytesOf, read, hasPlace, flagged, number, text, shortName, searchable };
})();
