using GumbelGan.Primer.Chapters;
using GumbelGan.Randomness;
using GumbelGan.Storage;

namespace GumbelGan.Primer;

/// <summary>One chapter of the primer: a program that measures, and a text (Chapters/NAME.md) that tells of what it measured.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="Title">Its heading.</param>
/// <param name="Measure">Does the chapter's experiments and puts what they gave into the notebook.</param>
public sealed record Chapter(string Name, string Title, Action<Notebook> Measure) : INamedKind
{
    /// <summary>Every chapter, in the order of reading.</summary>
    public static IReadOnlyList<Chapter> All =>
    [
        GumbelChapter.Entry, CategoricalChapter.Entry, ReparameterisationChapter.Entry, RelaxationChapter.Entry, TrainingChapter.Entry,
        AutoencoderChapter.Entry, AttributesChapter.Entry, SubsetsChapter.Entry,
    ];

    /// <summary>The chapter of that name.</summary>
    public static Chapter Named(string name) => All.Single(chapter => chapter.Name == name);

    /// <summary>Runs it. The numbers are the same for the same seed, whichever chapters ran before.</summary>
    /// <param name="seed">Of the whole primer.</param>
    /// <param name="clock">Times it.</param>
    public Notebook Run(ulong seed, TimeProvider clock)
    {
        var notebook = new Notebook(this, new RandomKey(seed).Derive(Name));
        long start = clock.GetTimestamp();
        Measure(notebook);
        notebook.Seconds = clock.GetElapsedTime(start).TotalSeconds;
        return notebook;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
