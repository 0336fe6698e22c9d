namespace GumbelGan.Training.Recording;

/// <summary>The value of one hyper-parameter in TensorBoard's table: a number, a text, or true or false.</summary>
public readonly record struct HyperParameterValue
{
    private HyperParameterValue(double? number, string? text, bool? flag) => (Number, Text, Flag) = (number, text, flag);

    /// <summary>The number, if it is one.</summary>
    public double? Number { get; }

    /// <summary>The text, if it is one.</summary>
    public string? Text { get; }

    /// <summary>The truth value, if it is one.</summary>
    public bool? Flag { get; }

    /// <summary>A number; integers too are shown as such.</summary>
    public static implicit operator HyperParameterValue(double number) => new(number, null, null);

    /// <summary>A text.</summary>
    public static implicit operator HyperParameterValue(string text) => new(null, text ?? throw new ArgumentNullException(nameof(text)), null);

    /// <summary>True or false.</summary>
    public static implicit operator HyperParameterValue(bool flag) => new(null, null, flag);
}
