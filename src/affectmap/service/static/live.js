// The microphone as a moving point: its samples go to the server as they come, and a row comes back for every window.

import { liveAddress, Refused, withToken } from "./server.js";
import { openMicrophone, samplesOf } from "./sound.js";

/** Seconds of a window, and from one to the next. */
const WINDOW_S = 3;
const HOP_S = 0.5;
/** Seconds of sound that may wait to be sent. */
const BEHIND_S = 10;
const UNAUTHORISED = /token/;

/**
 * Listen until the function that this gives is called; null where it has ended before. `tell` gets each row, `level` the loudness of every tenth of a
 * second in dB of full scale, `fail` an error that ends it.
 */
export async function startLive({ tell, level, fail }) {
  const stream = await openMicrophone();
  const context = new AudioContext();
  const socket = new WebSocket(liveAddress());
  let [isOver, reason] = [false, ""];
  const stop = () => {
    isOver = true;
    stream.getTracks().forEach((track) => track.stop());
    if (context.state !== "closed") context.close();
    socket.close();
  };
  const end = (error) => {
    if (isOver) return;
    stop();
    fail(error);
  };
  socket.addEventListener("open", () => {
    socket.send(JSON.stringify(withToken({ sampling_rate: context.sampleRate, windows: WINDOW_S, hop: HOP_S })));
  });
  socket.addEventListener("message", ({ data }) => {
    const answer = JSON.parse(data);
    if (answer.detail) reason = answer.detail;
    else if (!answer.note && !isOver) tell(answer);
  });
  socket.addEventListener("close", () => {
    if (!reason) end(new TypeError("closed")); // as fetch says that nobody is there
    else end(new Refused(UNAUTHORISED.test(reason) ? 401 : 0, reason));
  });
  const send = ({ data: chunk }) => {
    const power = chunk.reduce((sum, value) => sum + value * value, 0) / chunk.length;
    level(10 * Math.log10(power + 1e-10));
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(samplesOf(chunk));
    if (socket.bufferedAmount > 2 * BEHIND_S * context.sampleRate) {
      end(new Error(`The server is ${BEHIND_S} s behind: too much is measured there now. Try again later.`));
    }
  };
  try {
    await context.audioWorklet.addModule("/static/tap.js");
    const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
    tap.port.onmessage = send;
    context.createMediaStreamSource(stream).connect(tap);
  } catch (error) {
    if (isOver) return null;
    stop();
    throw error;
  }
  return isOver ? null : stop;
}
