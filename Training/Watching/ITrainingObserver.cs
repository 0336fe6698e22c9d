namespace GumbelGan.Training.Watching;

/// <summary>
/// Who watches a training run: the program's live display, or nobody. The loop calls it from its own thread and does not wait for it;
/// nothing that an observer does changes the run.
/// </summary>
public interface ITrainingObserver
{
    /// <summary>A phase (for example "pretraining" or "adversarial") begins.</summary>
    /// <param name="name">The phase.</param>
    /// <param name="steps">Its length in steps.</param>
    void OnPhase(string name, int steps);

    /// <summary>A step has ended. The loop may leave steps out; the last of a phase always comes.</summary>
    void OnStep(StepReport report);

    /// <summary>Samples have been drawn.</summary>
    /// <param name="step">The step after which they were drawn.</param>
    /// <param name="real">Some lines of the corpus, to read beside them.</param>
    /// <param name="generated">Decoded samples.</param>
    void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated);

    /// <summary>Something that the user should know: a warning, a checkpoint after an interruption, a result.</summary>
    /// <param name="message">One sentence.</param>
    void OnMessage(string message);
}
