using GumbelGan.Training.Watching;
using Spectre.Console;

namespace GumbelGan.Cli.Progress;

/// <summary>
/// Shows a training run on standard error while it goes: live on a terminal, as plain lines elsewhere, hardly at all with <c>--quiet</c>.
/// </summary>
internal static class TrainingProgress
{
    /// <summary>Calls <paramref name="train"/> with the observer that suits the console, and returns what it returns.</summary>
    public static T Watch<T>(Surroundings surroundings, bool isQuiet, Func<ITrainingObserver, T> train)
    {
        IAnsiConsole console = surroundings.Progress;
        if (isQuiet)
        {
            return train(new QuietProgress(surroundings.Error));
        }

        if (!IsLive(console))
        {
            return train(new PlainProgress(surroundings.Error, surroundings.Clock));
        }

        return console.Live(new Text("")).AutoClear(false).Overflow(VerticalOverflow.Ellipsis)
            .Start(context => train(new LiveProgress(console, context, surroundings.Clock)));
    }

    // Without cursor control a redrawn block would become a ladder of copies; a plain line says the same.
    internal static bool IsLive(IAnsiConsole console) =>
        console.Profile.Capabilities.Interactive && console.Profile.Capabilities.Ansi && console.Profile.Out.IsTerminal;
}
