  // Shows in a video what a camera sees, as in a mirror. Returned is what ends it, and lets go of the camera at once; with
  // `true` it returns the last picture, as others see it, on a canvas. What prevents it is thrown as a sentence.
  async function filming(video) {
    if (!navigator.mediaDevices?.getUserMedia)
      throw new Error("The browser shows this page no camera: it wants https, this machine itself, or a file. Choose a photo instead.");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: "user" } });
    } catch (error) {
      throw new Error({
        NotAllowedError: "The camera was not allowed. Allow it for this page, or choose a photo instead.",
        NotFoundError: "No camera was found. Choose a photo instead.",
      }[error.name] || "The camera could not be opened; perhaps another program has it. Choose a photo instead.");
    }
    const stop = (taken = false) => {
      const still = taken && Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
      if (still) still.getContext("2d").drawImage(video, 0, 0);
      stream.getTracks().forEach((track) => track.stop());
      video.srcObject = null;
      return still;
    };
    addEventListener("pagehide", () => stop(), { once: true });
    video.style.transform = "scaleX(-1)";
    Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
    await video.play().catch(() => {
      stop();
      throw new Error("The camera shows nothing. Choose a photo instead.");
    });
    return stop;
  }
