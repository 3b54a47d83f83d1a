// Sound in the browser: recording, and turning anything that it can play into a WAV file.

const RATE = 16000;

/** Decode to one channel at 16 kHz and write 16 bit WAV: what the server need not know, it need not read. */
export async function toWave(blob, name) {
  return new File([waveBytes(await monoOf(blob, RATE))], name, { type: "audio/wav" });
}

/** Decode to one channel at a rate. */
export async function monoOf(blob, rate) {
  // Decoding resamples to the rate of the context.
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await blob.arrayBuffer());
  const mono = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const samples = sound.getChannelData(channel);
    for (let i = 0; i < mono.length; i += 1) mono[i] += samples[i] / sound.numberOfChannels;
  }
  return mono;
}

/** Write samples of one channel as 16 bit WAV. */
function waveBytes(mono) {
  const view = new DataView(new ArrayBuffer(44 + 2 * mono.length));
  const text = (at, word) => [...word].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * mono.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * mono.length, true);
  putSamples(view, 44, mono);
  return view.buffer;
}

/** Write samples of one channel as 16 bit, little-endian. */
export function samplesOf(mono) {
  const view = new DataView(new ArrayBuffer(2 * mono.length));
  putSamples(view, 0, mono);
  return view.buffer;
}

function putSamples(view, at, mono) {
  mono.forEach((value, i) => {
    view.setInt16(at + 2 * i, Math.max(-32768, Math.min(32767, Math.round(value * 32768))), true);
  });
}

/** Whether the browser lets this page use a microphone. */
export function canRecord() {
  return Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);
}

/** Ask for the microphone. */
export function openMicrophone() {
  // What browsers do for calls changes loudness, and loudness is much of activation.
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  return navigator.mediaDevices.getUserMedia({ audio: plain });
}

/** Begin to record; gives a function that ends it and gives a WAV file. */
export async function startRecording() {
  const stream = await openMicrophone();
  const recorder = new MediaRecorder(stream);
  const pieces = [];
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
  recorder.start();
  return async () => {
    if (recorder.state !== "inactive") recorder.stop();
    await ended;
    stream.getTracks().forEach((track) => track.stop());
    return toWave(new Blob(pieces, { type: recorder.mimeType }), "microphone.wav");
  };
}

/** Seconds that a recording at an address lasts, as a player finds; NaN where it cannot tell. */
export function durationOf(url) {
  return new Promise((resolve) => {
    const player = new Audio();
    const tell = () => resolve(Number.isFinite(player.duration) ? player.duration : NaN);
    player.addEventListener("loadedmetadata", tell, { once: true });
    player.addEventListener("error", () => resolve(NaN), { once: true });
    setTimeout(tell, 3000);
    player.preload = "metadata";
    player.src = url;
  });
}
