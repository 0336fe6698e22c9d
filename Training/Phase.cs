using GumbelGan.Discriminators;

namespace GumbelGan.Training;

/// <summary>A part of a run: how many steps, and what each of them does.</summary>
/// <param name="Name">What records, checkpoints and the terminal call it.</param>
/// <param name="Steps">How many; 0 leaves the phase out.</param>
/// <param name="Updates">What a step does, in this order.</param>
public sealed record Phase(string Name, long Steps, IReadOnlyList<Update> Updates)
{
    /// <summary>The name of what comes after the last phase.</summary>
    public const string Finished = "finished";

    /// <summary>
    /// The phase under which the evaluation of untrained weights is recorded, unless their phase may end at them. Also the name of the pointer to
    /// what a phase began with.
    /// </summary>
    public const string Start = "start";

    /// <summary>Steps between two evaluations of the generator; 0 for none.</summary>
    public long EvaluationInterval { get; init; }

    /// <summary>The temperature of a step, counted from 1; null where there is no relaxation.</summary>
    public Func<long, double>? TemperatureAt { get; init; }

    /// <summary>Whether relaxed samples are trained on, so that their sharpness is watched.</summary>
    public bool IsRelaxed { get; init; }

    /// <summary>Who tells real sequences from generated ones, so that what it has learned is watched; null where nobody does.</summary>
    public Discriminator? Judge { get; init; }

    /// <summary>Whether the discriminator's loss has a floor, near which it is saturated.</summary>
    public bool HasLossFloor { get; init; }

    /// <summary>Evaluations without a better one after which the phase ends; 0 never ends it early.</summary>
    public int Patience { get; init; }

    /// <summary>Whether what follows goes on from the best weights of this phase instead of the last.</summary>
    public bool EndsAtBest { get; init; }

    /// <summary>Called when it begins, perhaps with other weights than the phase before ended with.</summary>
    public Action Begin { get; init; } = () => { };
}
